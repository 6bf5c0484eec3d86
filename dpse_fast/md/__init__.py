"""Deep Potentials inside of MD engines: a module an engine.

None of them is imported before it is used; one whose engine is missing says which
package to install. ASE's calculator is `dpse_fast.ase`.
"""
