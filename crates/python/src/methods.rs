//! The methods of `ndarray` that make views and copies, and the ones that NumPy runs.

use crate::arguments::{self, Truth, Wanted, given};
use crate::array::{Held, NdArray, fresh, read_only_view, result, view_of, view_or_copy};
use crate::errors::run;
use crate::fallback::{fallback_method, fallback_named};
use crate::input::{Seen, see};
use crate::interop::{self, export_array};
use crate::types::{dtype_object, numpy, types};
use crate::warnings;
use maniple_array::{Array, Casting, Layout, Part, Product};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Runs a function on the native array, or the method of that name on a foreign one.
macro_rules! native_or_foreign {
    ($slf:ident, $name:literal, ($($argument:expr),*), $keywords:expr) => {
        match $slf.get().held($slf.py()) {
            Held::Native(array) => array,
            Held::Foreign(_) => {
                let py = $slf.py();
                let arguments = PyTuple::new(py, Vec::<Bound<'_, PyAny>>::from([$($argument),*]))?;
                return fallback_method($name, $slf, &arguments, $keywords);
            }
        }
    };
}

#[pymethods]
impl NdArray {
    #[pyo3(signature = (dtype, order = None, casting = None, subok = true, copy = true))]
    fn astype<'py>(
        slf: &Bound<'py, NdArray>,
        dtype: &Bound<'py, PyAny>,
        order: Option<&Bound<'py, PyAny>>,
        casting: Option<&Bound<'py, PyAny>>,
        subok: bool,
        copy: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let wanted = arguments::dtype(dtype)?;
        let layout = arguments::layout(order, Layout::Keep)?;
        let casting = casting.map_or(Ok(Casting::Unsafe), arguments::casting)?;
        let (Wanted::Ours(wanted), Held::Native(array)) = (wanted, slf.get().held(py)) else {
            let keywords = PyDict::new(py);
            keywords.set_item("subok", subok)?;
            keywords.set_item("copy", copy)?;
            if let Some(order) = order {
                keywords.set_item("order", order)?;
            }
            keywords.set_item("casting", casting_name(casting))?;
            return fallback_method("astype", slf, &PyTuple::new(py, [dtype])?, Some(&keywords));
        };
        if !array.dtype().can_cast(wanted, casting) {
            let names = [array.dtype(), wanted].map(|dtype| dtype_object(py, dtype).bind(py).repr());
            let [from, to] = names;
            return Err(PyTypeError::new_err(format!(
                "Cannot cast array data from {} to {} according to the rule '{}'",
                from?,
                to?,
                casting_name(casting)
            )));
        }
        let in_order = match layout {
            Layout::C => array.is_c_contiguous(),
            Layout::Fortran => array.is_f_contiguous(),
            Layout::Any => array.is_c_contiguous() || array.is_f_contiguous(),
            Layout::Keep => true,
        };
        if !copy && in_order && array.dtype() == wanted {
            return Ok(slf.clone().into_any());
        }
        let array = array.clone();
        if array.dtype().is_complex() && !wanted.is_complex() && wanted != maniple_array::Dtype::Bool {
            warnings::imaginary_parts_dropped(slf)?;
        }
        warnings::enter(py);
        let cast = run(py, || array.astype(wanted, layout))?;
        warnings::leave(py)?;
        if crate::array::deferred_of(slf.as_any()).is_some() { result(py, cast) } else { fresh(py, cast) }
    }

    #[pyo3(signature = (order = None))]
    fn copy<'py>(
        slf: &Bound<'py, NdArray>,
        order: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let layout = arguments::layout(order, Layout::C)?;
        let Held::Native(array) = slf.get().held(py) else {
            return fallback_method("copy", slf, &PyTuple::new(py, order)?, None);
        };
        warnings::enter(py);
        let copy = run(py, || array.astype(array.dtype(), layout))?;
        if crate::array::deferred_of(slf.as_any()).is_some() { result(py, copy) } else { fresh(py, copy) }
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn view<'py>(
        slf: &Bound<'py, NdArray>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let (Held::Native(array), None) = (slf.get().held(py), keywords) {
            if arguments.is_empty() {
                return view_of(slf, array.clone());
            }
            let array = array.clone();
            let first = arguments.get_item(0)?;
            if arguments.len() == 1 && first.as_ptr() == types(py).ndarray.cast() {
                return view_of(slf, array);
            }
            let is_array_class = first.is_instance_of::<pyo3::types::PyType>()
                && first.cast::<pyo3::types::PyType>()?.is_subclass(&numpy(py).getattr("ndarray")?)?;
            if arguments.len() == 1
                && !is_array_class
                && let Wanted::Ours(dtype) = arguments::dtype(&first)?
                && dtype.size() == array.dtype().size()
            {
                return view_of(slf, array.with_view(dtype, array.view().clone()));
            }
        }
        fallback_method("view", slf, arguments, keywords)
    }

    #[pyo3(signature = (*shape, order = None, copy = None))]
    fn reshape<'py>(
        slf: &Bound<'py, NdArray>,
        shape: &Bound<'py, PyTuple>,
        order: Option<&Bound<'py, PyAny>>,
        copy: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if slf.get().native(py).is_none() || shape.is_empty() {
            let keywords = PyDict::new(py);
            if let Some(order) = order {
                keywords.set_item("order", order)?;
            }
            if let Some(copy) = copy {
                keywords.set_item("copy", copy)?;
            }
            return fallback_method("reshape", slf, shape, Some(&keywords));
        }
        let wanted = if shape.len() == 1 {
            let only = shape.get_item(0)?;
            if only.is_none() {
                return view_of(slf, slf.get().native(py).expect("native").clone());
            }
            arguments::integers(&only)?
        } else {
            shape.iter_borrowed().map(|item| arguments::integer(&item)).collect::<PyResult<_>>()?
        };
        reshaped(slf, &wanted, order, copy)
    }

    #[pyo3(signature = (order = None))]
    fn ravel<'py>(
        slf: &Bound<'py, NdArray>,
        order: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let layout = arguments::layout(order, Layout::C)?;
        let array = native_or_foreign!(slf, "ravel", (layout_name(slf.py(), layout)), None);
        if layout == Layout::Keep && !array.is_c_contiguous() && !array.is_f_contiguous() {
            return fallback_method("ravel", slf, &PyTuple::new(slf.py(), ["K"])?, None);
        }
        warnings::enter(slf.py());
        let flat = run(slf.py(), || array.ravel(layout))?;
        view_or_copy(slf, flat)
    }

    #[pyo3(signature = (order = None))]
    fn flatten<'py>(
        slf: &Bound<'py, NdArray>,
        order: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let layout = arguments::layout(order, Layout::C)?;
        let array = native_or_foreign!(slf, "flatten", (layout_name(slf.py(), layout)), None);
        if layout == Layout::Keep && !array.is_c_contiguous() && !array.is_f_contiguous() {
            return fallback_method("flatten", slf, &PyTuple::new(slf.py(), ["K"])?, None);
        }
        warnings::enter(slf.py());
        let flat = run(slf.py(), || {
            let flat = array.ravel(layout)?;
            if flat.region().id == array.region().id { flat.copied() } else { Ok(flat) }
        })?;
        fresh(slf.py(), flat)
    }

    #[pyo3(signature = (*axes))]
    fn transpose<'py>(slf: &Bound<'py, NdArray>, axes: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let array = match slf.get().held(py) {
            Held::Native(array) => array.clone(),
            Held::Foreign(_) => return fallback_method("transpose", slf, axes, None),
        };
        let axes = match axes.len() {
            0 => None,
            1 => {
                let only = axes.get_item(0)?;
                if only.is_none() { None } else { Some(arguments::integers(&only)?) }
            }
            _ => Some(arguments::integers(axes)?),
        };
        view_of(slf, run(py, || array.transpose(axes.as_deref()))?)
    }

    fn swapaxes<'py>(slf: &Bound<'py, NdArray>, axis1: isize, axis2: isize) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let numbers = || [axis1, axis2].map(|axis| axis.into_pyobject(py).map(Bound::into_any));
        let [first, second] = numbers();
        let array = native_or_foreign!(slf, "swapaxes", (first?, second?), None);
        match run(py, || array.swapaxes(axis1, axis2)) {
            Ok(view) => view_of(slf, view),
            // NumPy's message says which of the two is wrong.
            Err(_) => fallback_method("swapaxes", slf, &PyTuple::new(py, [axis1, axis2])?, None),
        }
    }

    #[pyo3(signature = (axis = None))]
    fn squeeze<'py>(
        slf: &Bound<'py, NdArray>,
        axis: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let axes = arguments::axes(axis)?;
        let Held::Native(array) = slf.get().held(py) else {
            return fallback_method("squeeze", slf, &PyTuple::new(py, axis)?, None);
        };
        if axes.is_none() && !array.shape().contains(&1) {
            return Ok(slf.clone().into_any());
        }
        let squeezed = run(py, || array.squeeze(axes.as_deref()))?;
        if squeezed.ndim() == array.ndim() { Ok(slf.clone().into_any()) } else { view_of(slf, squeezed) }
    }

    #[pyo3(signature = (offset = 0, axis1 = 0, axis2 = 1))]
    fn diagonal<'py>(
        slf: &Bound<'py, NdArray>,
        offset: isize,
        axis1: isize,
        axis2: isize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let Held::Native(array) = slf.get().held(py) else {
            return fallback_method("diagonal", slf, &PyTuple::new(py, [offset, axis1, axis2])?, None);
        };
        read_only_view(slf, run(py, || array.diagonal(offset, axis1, axis2))?)
    }

    #[getter(T)]
    fn transposed<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().held(slf.py()) {
            Held::Native(array) => view_of(slf, array.transposed()),
            Held::Foreign(array) => crate::fallback::to_ours(&array.bind(slf.py()).getattr("T")?),
        }
    }

    #[getter(mT)]
    fn matrix_transposed<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) if array.ndim() < 2 => {
                Err(PyValueError::new_err("matrix transpose with ndim < 2 is undefined"))
            }
            Held::Native(array) => view_of(slf, run(py, || array.swapaxes(-1, -2))?),
            Held::Foreign(array) => crate::fallback::to_ours(&array.bind(py).getattr("mT")?),
        }
    }

    #[getter]
    fn real<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().held(slf.py()) {
            Held::Native(array) if array.dtype().is_complex() => view_of(slf, array.complex_part(Part::Real)),
            Held::Native(_) => Ok(slf.clone().into_any()),
            Held::Foreign(array) => crate::fallback::to_ours(&array.bind(slf.py()).getattr("real")?),
        }
    }

    #[setter]
    fn set_real(slf: &Bound<'_, NdArray>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        slf.getattr("real")?.set_item(slf.py().Ellipsis(), value)
    }

    #[getter]
    fn imag<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match slf.get().held(py) {
            Held::Native(array) if array.dtype().is_complex() => {
                view_of(slf, array.complex_part(Part::Imaginary))
            }
            Held::Native(array) => {
                warnings::enter(py);
                let zeros = run(py, || Array::zeros(array.shape(), array.dtype()))?;
                if crate::array::deferred_of(slf.as_any()).is_some() {
                    return result(py, zeros);
                }
                Ok(Bound::new(py, NdArray::read_only(zeros))?.into_any())
            }
            Held::Foreign(array) => crate::fallback::to_ours(&array.bind(py).getattr("imag")?),
        }
    }

    #[setter]
    fn set_imag(slf: &Bound<'_, NdArray>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        if slf.get().native(slf.py()).is_some_and(|array| !array.dtype().is_complex()) {
            return Err(PyTypeError::new_err("array does not have imaginary part to set"));
        }
        slf.getattr("imag")?.set_item(slf.py().Ellipsis(), value)
    }

    #[getter]
    fn flat<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(slf.py(), crate::flat::Flat::of(slf)?)?.into_any())
    }

    #[setter]
    fn set_flat(slf: &Bound<'_, NdArray>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let value = match value.cast::<NdArray>() {
            Ok(ours) => export_array(ours)?,
            Err(_) => value.clone(),
        };
        export_array(slf)?.setattr("flat", value)
    }

    fn fill<'py>(slf: &Bound<'py, NdArray>, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let seen = see(value)?;
        if let (Held::Native(array), Seen::Given(given)) = (slf.get().held(py), seen)
            && given.ndim() == 0
            && !crate::indexing::loses(&given, array)
        {
            slf.get().check_writeable("assignment destination")?;
            warnings::enter(py);
            run(py, || array.assign(given.input()))?;
            warnings::leave(py)?;
            return Ok(py.None().into_bound(py));
        }
        fallback_method("fill", slf, &PyTuple::new(py, [value])?, None)
    }

    #[pyo3(signature = (*arguments))]
    fn item<'py>(slf: &Bound<'py, NdArray>, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if arguments.is_empty()
            && let Held::Native(array) = slf.get().held(py)
            && array.size() == 1
        {
            return crate::scalar::value(py, &array.clone())?.call_method0("item");
        }
        export_array(slf)?.call_method1("item", arguments)
    }

    fn tolist<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().held(slf.py()) {
            Held::Native(array) => crate::lists::list_of(slf.py(), array),
            Held::Foreign(array) => array.bind(slf.py()).call_method0("tolist"),
        }
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn tobytes<'py>(
        slf: &Bound<'py, NdArray>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        export_array(slf)?.call_method("tobytes", arguments, keywords)
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn tofile<'py>(
        slf: &Bound<'py, NdArray>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        export_array(slf)?.call_method("tofile", arguments, keywords)
    }

    fn dump<'py>(slf: &Bound<'py, NdArray>, file: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        export_array(slf)?.call_method1("dump", (file,))
    }

    fn dumps<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        export_array(slf)?.call_method0("dumps")
    }

    #[pyo3(signature = (*shape, refcheck = true))]
    fn resize(slf: &Bound<'_, NdArray>, shape: &Bound<'_, PyTuple>, refcheck: bool) -> PyResult<()> {
        let py = slf.py();
        if let Some(foreign) = slf.get().foreign_array(py) {
            let keywords = PyDict::new(py);
            keywords.set_item("refcheck", false)?;
            foreign.call_method("resize", shape, Some(&keywords))?;
            return Ok(());
        }
        if refcheck && reference_count(slf) > 2 {
            return Err(PyValueError::new_err(
                "cannot resize an array that references or is referenced\nby another array in this way.\nUse the \
                 np.resize function or refcheck=False",
            ));
        }
        if slf.get().base().is_some() {
            return Err(PyValueError::new_err("cannot resize this array: it does not own its data"));
        }
        let copy = export_array(slf)?.call_method1("copy", ("K",))?;
        let keywords = PyDict::new(py);
        keywords.set_item("refcheck", false)?;
        copy.call_method("resize", shape, Some(&keywords))?;
        if let Some((array, _)) = interop::attach(&copy) {
            slf.get().replace(py, array);
        }
        Ok(())
    }

    #[pyo3(signature = (write = None, align = None, uic = None))]
    fn setflags(
        slf: &Bound<'_, NdArray>,
        write: Option<&Bound<'_, PyAny>>,
        align: Option<&Bound<'_, PyAny>>,
        uic: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (align, uic);
        match arguments::truth(write, Truth::True)? {
            _ if given(write).is_none() => Ok(()),
            writeable => crate::flags::set_writeable(slf, writeable),
        }
    }

    #[getter]
    fn flags<'py>(slf: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
        match slf.get().held(slf.py()) {
            Held::Native(_) => Ok(Bound::new(slf.py(), crate::flags::Flags::of(slf))?.into_any()),
            Held::Foreign(array) => array.bind(slf.py()).getattr("flags"),
        }
    }

    #[pyo3(signature = (min = None, max = None, out = None, **keywords))]
    fn clip<'py>(
        slf: &Bound<'py, NdArray>,
        min: Option<&Bound<'py, PyAny>>,
        max: Option<&Bound<'py, PyAny>>,
        out: Option<&Bound<'py, PyAny>>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let (None, Some(found)) = (keywords, crate::functions::clipped(slf, min, max, out)?) {
            return Ok(found);
        }
        let all = match keywords {
            Some(keywords) => keywords.copy()?,
            None => PyDict::new(py),
        };
        for (name, value) in [("min", min), ("max", max), ("out", out)] {
            if let Some(value) = value {
                all.set_item(name, value)?;
            }
        }
        fallback_method("clip", slf, &PyTuple::empty(py), Some(&all))
    }

    #[pyo3(signature = (decimals = 0, out = None))]
    fn round<'py>(
        slf: &Bound<'py, NdArray>,
        decimals: isize,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Some(found) = crate::functions::rounded(slf, decimals, out)? {
            return Ok(found);
        }
        let keywords = PyDict::new(py);
        keywords.set_item("decimals", decimals)?;
        keywords.set_item("out", out)?;
        fallback_method("round", slf, &PyTuple::empty(py), Some(&keywords))
    }

    #[pyo3(signature = (*arguments))]
    fn conj<'py>(slf: &Bound<'py, NdArray>, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        conjugate(slf, arguments)
    }

    #[pyo3(signature = (*arguments))]
    fn conjugate<'py>(
        slf: &Bound<'py, NdArray>,
        arguments: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        conjugate(slf, arguments)
    }

    fn __sizeof__(slf: &Bound<'_, NdArray>) -> PyResult<usize> {
        let own = size_of::<NdArray>() + 2 * size_of::<usize>();
        Ok(match slf.get().held(slf.py()) {
            Held::Native(array) if slf.get().base().is_none() => own + array.size() * array.dtype().size(),
            Held::Native(_) => own,
            Held::Foreign(array) => array.bind(slf.py()).call_method0("__sizeof__")?.extract()?,
        })
    }

    #[pyo3(signature = (b, out = None))]
    fn dot<'py>(
        slf: &Bound<'py, NdArray>,
        b: &Bound<'py, PyAny>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        if let Some(made) = crate::products::native(Product::Dot, slf.as_any(), b, out)? {
            return Ok(made);
        }
        let keywords = PyDict::new(py);
        if let Some(out) = out {
            keywords.set_item("out", out)?;
        }
        fallback_named("dot", &PyTuple::new(py, [slf.as_any(), b])?, Some(&keywords))
    }
}

fn conjugate<'py>(slf: &Bound<'py, NdArray>, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    if !arguments.is_empty() || slf.get().native(py).is_none() {
        return fallback_method("conjugate", slf, arguments, None);
    }
    if slf.get().native(py).is_some_and(|array| !array.dtype().is_complex()) {
        return Ok(slf.clone().into_any());
    }
    crate::ufunc::call_named("conjugate", &PyTuple::new(py, [slf])?, None)
}

/// How many references there are to an array.
fn reference_count(slf: &Bound<'_, NdArray>) -> isize {
    // SAFETY: the object is alive.
    unsafe { ffi::Py_REFCNT(slf.as_ptr()) }
}

/// `reshape` with a shape that has been read.
pub fn reshaped<'py>(
    slf: &Bound<'py, NdArray>,
    wanted: &[isize],
    order: Option<&Bound<'py, PyAny>>,
    copy: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let layout = arguments::layout(order, Layout::C)?;
    if layout == Layout::Keep {
        return Err(PyValueError::new_err("order 'K' is not permitted for reshaping"));
    }
    let copies = match given(copy) {
        None => None,
        Some(copy) => Some(copy.is_truthy()?),
    };
    let Held::Native(array) = slf.get().held(py) else { unreachable!("the caller looked") };
    warnings::enter(py);
    let found = run(py, || {
        let found = array.reshape(wanted, layout)?;
        let shares = found.region().id == array.region().id;
        match copies {
            Some(true) if shares => found.copied(),
            Some(false) if !shares => {
                Err(maniple_array::Error::value("Unable to avoid creating a copy while reshaping."))
            }
            _ => Ok(found),
        }
    })?;
    view_or_copy(slf, found)
}

fn casting_name(casting: Casting) -> &'static str {
    match casting {
        Casting::No => "no",
        Casting::Equiv => "equiv",
        Casting::Safe => "safe",
        Casting::SameKind => "same_kind",
        Casting::Unsafe => "unsafe",
    }
}

fn layout_name(py: Python<'_>, layout: Layout) -> Bound<'_, PyAny> {
    let name = match layout {
        Layout::C => "C",
        Layout::Fortran => "F",
        Layout::Any => "A",
        Layout::Keep => "K",
    };
    pyo3::types::PyString::new(py, name).into_any()
}

/// Methods that NumPy runs on the shared memory.
macro_rules! numpy_runs {
    ($($name:ident)*) => {
        #[pymethods]
        impl NdArray {
            $(
                #[pyo3(signature = (*arguments, **keywords))]
                fn $name<'py>(
                    slf: &Bound<'py, NdArray>,
                    arguments: &Bound<'py, PyTuple>,
                    keywords: Option<&Bound<'py, PyDict>>,
                ) -> PyResult<Bound<'py, PyAny>> {
                    fallback_method(stringify!($name), slf, arguments, keywords)
                }
            )*
        }
    };
}

numpy_runs! {
    argpartition byteswap choose compress getfield partition put repeat searchsorted setfield trace to_device
}
