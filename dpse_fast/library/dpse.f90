! dpse-fast for Fortran 2008: the functions of dpse.h, with its units and statuses.
! Matrices are by rows in C: cell(:, 1) is the vector a here.
module dpse
    use, intrinsic :: iso_c_binding
    implicit none
    private

    integer(c_int), parameter, public :: dpse_ok = 0, dpse_input = 1, dpse_model = 2, &
        dpse_handle = 3, dpse_python = 4, dpse_internal = 5

    type, bind(c), public :: dpse_list
        integer(c_int) :: n_all, n_rows
        type(c_ptr) :: positions, types, centres, first, neighbours, type_map
        integer(c_int) :: n_caller_types, same_list
        type(c_ptr) :: fparam, aparam
    end type

    type, bind(c), public :: dpse_sums
        real(c_double) :: energy, virial(3, 3)
        type(c_ptr) :: forces, atomic_energies, atomic_virials, pair_gradients
    end type

    public :: dpse_init_committee, dpse_n_models, dpse_deviation_certificate, &
        dpse_compute_nlist_members
    public :: dpse_init, dpse_free, dpse_cutoff, dpse_n_types, dpse_type_name, &
        dpse_parameters, dpse_atom_ids, dpse_compute, dpse_compute_nlist, dpse_error, &
        dpse_error_atom, dpse_warning

    interface
        ! The name of a file, or "" for the embedded model; options, or "".
        function init_in_c(model, options, potential) bind(c, name="dpse_init")
            import :: c_int, c_ptr
            type(c_ptr), value :: model, options
            integer(c_int), intent(out) :: potential
            integer(c_int) :: init_in_c
        end function

        function init_committee_in_c(n_models, models, options, potential) &
                bind(c, name="dpse_init_committee")
            import :: c_int, c_ptr
            integer(c_int), value :: n_models
            type(c_ptr), intent(in) :: models(*)
            type(c_ptr), value :: options
            integer(c_int), intent(out) :: potential
            integer(c_int) :: init_committee_in_c
        end function

        function dpse_free(potential) bind(c)
            import :: c_int
            integer(c_int), value :: potential
            integer(c_int) :: dpse_free
        end function

        function dpse_cutoff(potential, cutoff) bind(c)
            import :: c_int, c_double
            integer(c_int), value :: potential
            real(c_double), intent(out) :: cutoff
            integer(c_int) :: dpse_cutoff
        end function

        function dpse_n_types(potential, n_types) bind(c)
            import :: c_int
            integer(c_int), value :: potential
            integer(c_int), intent(out) :: n_types
            integer(c_int) :: dpse_n_types
        end function

        function dpse_n_models(potential, n_models) bind(c)
            import :: c_int
            integer(c_int), value :: potential
            integer(c_int), intent(out) :: n_models
            integer(c_int) :: dpse_n_models
        end function

        function dpse_deviation_certificate(potential, force, rounding) bind(c)
            import :: c_int, c_double
            integer(c_int), value :: potential
            real(c_double), intent(out) :: force, rounding
            integer(c_int) :: dpse_deviation_certificate
        end function

        function type_name_in_c(potential, number, name, length) &
                bind(c, name="dpse_type_name")
            import :: c_int, c_char
            integer(c_int), value :: potential, number, length
            character(kind=c_char), intent(out) :: name(*)
            integer(c_int) :: type_name_in_c
        end function

        function dpse_parameters(potential, n_frame, n_atomic) bind(c)
            import :: c_int
            integer(c_int), value :: potential
            integer(c_int), intent(out) :: n_frame, n_atomic
            integer(c_int) :: dpse_parameters
        end function

        ! What messages call n atoms; n = 0 and c_null_ptr: their places, from 0.
        function dpse_atom_ids(potential, n, ids) bind(c)
            import :: c_int, c_ptr
            integer(c_int), value :: potential, n
            type(c_ptr), value :: ids
            integer(c_int) :: dpse_atom_ids
        end function

        ! From 0; -1: the last error is about no atom.
        function dpse_error_atom() bind(c)
            import :: c_int
            integer(c_int) :: dpse_error_atom
        end function

        function refuse_in_c(text) bind(c, name="dpse_refuse")
            import :: c_int, c_char
            character(kind=c_char), intent(in) :: text(*)
            integer(c_int) :: refuse_in_c
        end function

        function compute_in_c(potential, n, positions, types, cell, pbc, fparam, aparam, &
                energy, forces, virial, atomic_energies, atomic_virials) &
                bind(c, name="dpse_compute")
            import :: c_int, c_double, c_ptr
            integer(c_int), value :: potential, n
            type(c_ptr), value :: positions, types, cell, pbc, fparam, aparam, forces, &
                virial, atomic_energies, atomic_virials
            real(c_double), intent(out) :: energy
            integer(c_int) :: compute_in_c
        end function

        function dpse_compute_nlist(potential, list, sums) bind(c)
            import :: c_int, dpse_list, dpse_sums
            integer(c_int), value :: potential
            type(dpse_list), intent(in) :: list
            type(dpse_sums), intent(inout) :: sums
            integer(c_int) :: dpse_compute_nlist
        end function

        function dpse_compute_nlist_members(potential, list, n_models, sums) bind(c)
            import :: c_int, dpse_list, dpse_sums
            integer(c_int), value :: potential, n_models
            type(dpse_list), intent(in) :: list
            type(dpse_sums), intent(inout) :: sums(*)
            integer(c_int) :: dpse_compute_nlist_members
        end function

        function error_in_c() bind(c, name="dpse_error")
            import :: c_ptr
            type(c_ptr) :: error_in_c
        end function

        function warning_in_c() bind(c, name="dpse_warning")
            import :: c_ptr
            type(c_ptr) :: warning_in_c
        end function

        function length_in_c(text) bind(c, name="strlen")
            import :: c_ptr, c_size_t
            type(c_ptr), value :: text
            integer(c_size_t) :: length_in_c
        end function
    end interface

contains

    integer(c_int) function dpse_init(model, options, potential) result(status)
        character(*), intent(in) :: model, options
        integer(c_int), intent(out) :: potential
        character(len(model) + 1, c_char), target :: model_in_c
        character(len(options) + 1, c_char), target :: options_in_c
        type(c_ptr) :: file
        model_in_c = trim(model)//c_null_char
        options_in_c = trim(options)//c_null_char
        file = c_null_ptr
        if (len_trim(model) > 0) file = c_loc(model_in_c)
        status = init_in_c(file, c_loc(options_in_c), potential)
    end function

    ! Names of files, "" for the embedded model; options, or "".
    integer(c_int) function dpse_init_committee(models, options, potential) result(status)
        character(*), intent(in) :: models(:), options
        integer(c_int), intent(out) :: potential
        character(len(models) + 1, c_char), target :: models_in_c(size(models))
        character(len(options) + 1, c_char), target :: options_in_c
        type(c_ptr) :: files(size(models))
        integer :: k
        options_in_c = trim(options)//c_null_char
        do k = 1, size(models)
            models_in_c(k) = trim(models(k))//c_null_char
            files(k) = c_null_ptr
            if (len_trim(models(k)) > 0) files(k) = c_loc(models_in_c(k))
        end do
        status = init_committee_in_c(size(models, kind=c_int), files, c_loc(options_in_c), &
            potential)
    end function

    integer(c_int) function dpse_compute(potential, positions, types, energy, forces, cell, &
            pbc, fparam, aparam, virial, atomic_energies, atomic_virials) result(status)
        integer(c_int), intent(in) :: potential
        real(c_double), intent(in), target, contiguous :: positions(:, :)
        integer(c_int), intent(in), target, contiguous :: types(:)
        real(c_double), intent(out) :: energy
        real(c_double), intent(out), target, contiguous :: forces(:, :)
        real(c_double), intent(in), optional, target :: cell(3, 3), fparam(*), aparam(*)
        integer(c_int), intent(in), optional, target :: pbc(3)
        real(c_double), intent(out), optional, target :: virial(3, 3), atomic_energies(*), &
            atomic_virials(3, 3, *)
        type(c_ptr) :: c, p, f, a, v, ae, av
        status = of_shape("positions", shape(positions), size(types))
        if (status == dpse_ok) status = of_shape("forces", shape(forces), size(types))
        if (status /= dpse_ok) return
        c = c_null_ptr; p = c; f = c; a = c; v = c; ae = c; av = c
        if (present(cell)) c = c_loc(cell)
        if (present(pbc)) p = c_loc(pbc)
        if (present(fparam)) f = c_loc(fparam)
        if (present(aparam)) a = c_loc(aparam)
        if (present(virial)) v = c_loc(virial)
        if (present(atomic_energies)) ae = c_loc(atomic_energies)
        if (present(atomic_virials)) av = c_loc(atomic_virials)
        status = compute_in_c(potential, size(types, kind=c_int), c_loc(positions), &
            c_loc(types), c, p, f, a, energy, c_loc(forces), v, ae, av)
    end function

    ! Whether an array has three numbers for each of n atoms.
    integer(c_int) function of_shape(name, found, n) result(status)
        character(*), intent(in) :: name
        integer, intent(in) :: found(2), n
        character(200, c_char) :: text
        status = dpse_ok
        if (found(1) == 3 .and. found(2) == n) return
        write (text, "(2a, i0, a, i0, a, i0, 2a)") name, ": expected shape (3, ", n, &
            "), as many as types, got (", found(1), ", ", found(2), ")", c_null_char
        status = refuse_in_c(text)
    end function

    ! An error if the name is longer than the variable.
    integer(c_int) function dpse_type_name(potential, number, name) result(status)
        integer(c_int), intent(in) :: potential, number
        character(*), intent(out) :: name
        character(kind=c_char) :: buffer(len(name) + 1)
        integer :: k
        name = ""
        status = type_name_in_c(potential, number, buffer, size(buffer, kind=c_int))
        if (status /= dpse_ok) return
        do k = 1, len(name)
            if (buffer(k) == c_null_char) exit
            name(k:k) = buffer(k)
        end do
    end function

    function dpse_error() result(text)
        character(:), allocatable :: text
        text = text_of(error_in_c())
    end function

    function dpse_warning() result(text)
        character(:), allocatable :: text
        text = text_of(warning_in_c())
    end function

    function text_of(place) result(text)
        type(c_ptr), intent(in) :: place
        character(:), allocatable :: text
        character(kind=c_char), pointer :: letters(:)
        integer :: k, n
        n = int(length_in_c(place))
        call c_f_pointer(place, letters, [n])
        allocate (character(n) :: text)
        do k = 1, n
            text(k:k) = letters(k)
        end do
    end function
end module
