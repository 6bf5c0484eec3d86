! Calls that the Fortran module refuses: each prints its status and the error.
program refusals
    use, intrinsic :: iso_c_binding
    use dpse
    implicit none
    real(c_double) :: x(3, 4), f(3, 4), turned(4, 3), energy
    integer(c_int) :: types(4), potential, committee, n_models
    type(dpse_list), save :: list
    type(dpse_sums), save :: sums(2)
    character(1) :: letter
    character(0) :: nothing
    integer(c_int64_t), target :: ids(4)
    integer :: k

    x = 0
    do k = 1, 4
        x(1, k) = 1.5*k
        types(k) = mod(k, 2)
        ids(k) = 100 + k
    end do
    call say(dpse_init("", "threads=1", potential))
    call say(dpse_compute(potential, x, types, energy, f))
    call say(dpse_compute(potential, x(:, :3), types, energy, f))
    call say(dpse_compute(potential, x, types, energy, f(:, :3)))
    call say(dpse_compute(potential, turned, types, energy, f))
    call say(dpse_type_name(potential, 1_c_int, letter))
    call say(dpse_type_name(potential, 1_c_int, nothing))
    call say(dpse_init_committee(["       ", "none.h5"], "", committee))
    call say(dpse_init_committee(["", ""], "threads=1", committee))
    call say(dpse_n_models(committee, n_models))
    call say(dpse_compute_nlist_members(committee, list, n_models + 1, sums))
    call say(dpse_atom_ids(potential, 4_c_int, c_loc(ids)))
    x(:, 3) = x(:, 2)
    call say(dpse_compute(potential, x, types, energy, f))
    print "(a, i0)", letter, dpse_error_atom()

contains

    subroutine say(status)
        integer(c_int), intent(in) :: status
        print "(i0, 1x, a)", status, dpse_error()
    end subroutine
end program
