! Molecular dynamics in the NVE ensemble, in Fortran 2008: ./md MODEL OPTIONS STEPS STRUCTURE
! MODEL may be "" for the embedded water model. STRUCTURE: n; nine numbers of the cell;
! then type (0 O, 1 H), mass (u), position (Å) and velocity (Å/fs) of each atom.
program md
    use, intrinsic :: iso_c_binding
    use, intrinsic :: iso_fortran_env, only: error_unit
    use dpse
    implicit none
    real(c_double), parameter :: dt = 0.5_c_double                  ! fs
    real(c_double), parameter :: acceleration = 9.648533e-3_c_double ! (eV/Å)/u in Å/fs²
    real(c_double), allocatable :: mass(:), x(:, :), v(:, :), f(:, :)
    integer(c_int), allocatable :: types(:)
    real(c_double) :: cell(3, 3), energy, kinetic
    integer(c_int) :: potential
    integer :: n, k, step, steps, unit
    character(4096) :: text

    call must(dpse_init(argument(1), argument(2), potential))
    text = argument(3)
    read (text, *) steps
    open (newunit=unit, file=argument(4), status="old", action="read")
    read (unit, *) n
    read (unit, *) cell
    allocate (types(n), mass(n), x(3, n), v(3, n), f(3, n))
    do k = 1, n
        read (unit, *) types(k), mass(k), x(:, k), v(:, k)
    end do
    close (unit)

    call must(dpse_compute(potential, x, types, energy, f, cell=cell))
    do step = 0, steps
        kinetic = 0.5*sum(mass*sum(v**2, 1))/acceleration
        print "(i0, 2(1x, f0.12))", step, energy, energy + kinetic
        if (step == steps) exit
        call kick()
        x = x + dt*v
        call must(dpse_compute(potential, x, types, energy, f, cell=cell))
        call kick()
    end do
    call must(dpse_free(potential))

contains

    subroutine kick()
        integer :: i
        do i = 1, n
            v(:, i) = v(:, i) + dt/2*acceleration*f(:, i)/mass(i)
        end do
    end subroutine

    function argument(k) result(text)
        integer, intent(in) :: k
        character(:), allocatable :: text
        integer :: length
        call get_command_argument(k, length=length)
        allocate (character(length) :: text)
        call get_command_argument(k, text)
    end function

    subroutine must(status)
        integer(c_int), intent(in) :: status
        if (len(dpse_warning()) > 0) write (error_unit, "(2a)") "warning: ", dpse_warning()
        if (status == dpse_ok) return
        write (error_unit, "(2a)") "error: ", dpse_error()
        stop 1
    end subroutine
end program
