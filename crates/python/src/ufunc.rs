//! The class `ufunc`: a row of the op table as NumPy's ufunc objects present it.

use crate::arguments::{self, Wanted, given};
use crate::array::{Held, NdArray, result};
use crate::calling::{Class, Direct, answer, class, packed, positional};
use crate::errors::{attempt, exception};
use crate::fallback::fallback;
use crate::hooks::hook;
use crate::input::{Given, Seen, has_a_say, see};
use crate::interop;
use crate::operators::{Failure, record, record_one, refused};
use crate::types::{is_exactly, numpy, types};
use maniple_array::{Array, Input, Kind, Op, Options};
use pyo3::exceptions::{PyTypeError, PyUserWarning};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};
use smallvec::SmallVec;

/// A row of the op table that Python code can call.
#[pyclass(name = "ufunc", module = "maniple.numpy", frozen, weakref, subclass)]
pub struct Ufunc {
    /// The row.
    pub op: Op,
    /// NumPy's ufunc, which knows the rest about itself and runs what is not native.
    pub numpy: Py<PyAny>,
}

/// Every row that is a ufunc of NumPy's, by every name NumPy has for it, and every row that NumPy has no name for.
#[pyfunction]
pub fn ufuncs(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    const ALIASES: [&str; 18] = [
        "true_divide",
        "mod",
        "conj",
        "abs",
        "bitwise_not",
        "bitwise_invert",
        "bitwise_left_shift",
        "bitwise_right_shift",
        "pow",
        "asin",
        "acos",
        "atan",
        "atan2",
        "asinh",
        "acosh",
        "atanh",
        "permute_dims",
        "concat",
    ];
    prepare(py)?;
    let found = PyDict::new(py);
    let class = numpy(py).getattr("ufunc")?;
    for op in Op::ALL {
        let name = op.row().numpy;
        if name.starts_with('_') {
            continue;
        }
        let function = match numpy(py).getattr(name) {
            Ok(function) if function.is_instance(&class)? => function,
            Ok(_) => continue,
            Err(_) => unknown_to_numpy(py, *op)?,
        };
        let made = ufuncs_class(py)?.make(&(name, &function).into_pyobject(py)?, None)?;
        for alias in ALIASES {
            if numpy(py).getattr(alias).is_ok_and(|other| other.is(&function)) {
                found.set_item(alias, &made)?;
            }
        }
        found.set_item(name, made)?;
    }
    Ok(found)
}

/// What stands for NumPy's ufunc behind a row that NumPy has none for.
fn unknown_to_numpy(py: Python<'_>, op: Op) -> PyResult<Bound<'_, PyAny>> {
    #[pyfunction]
    #[pyo3(signature = (*_operands))]
    fn refuse(_operands: &Bound<'_, PyTuple>) -> PyResult<()> {
        Err(PyTypeError::new_err("the operation has no loop for these operands, and NumPy does not have it"))
    }
    let row = op.row();
    numpy(py).call_method1("frompyfunc", (wrap_pyfunction!(refuse, py)?, row.inputs, row.outputs))
}

/// Calls the ufunc of a name, natively where that goes.
pub fn call_named<'py>(
    name: &str,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = arguments.py();
    let function = numpy(py).getattr(name)?;
    match Op::from_numpy(name) {
        Some(op) => call(op, &function, arguments, keywords),
        None => call_elsewhere(&function, name, arguments, keywords),
    }
}

/// A ufunc that is not a row: NumPy runs it, unless an operand overrides it.
fn call_elsewhere<'py>(
    function: &Bound<'py, PyAny>,
    name: &str,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if is_overridden(arguments, keywords)? {
        return overridden(function, "__call__", arguments, keywords);
    }
    fallback(name, function, arguments, keywords)
}

/// The keyword arguments of a ufunc call, sorted out.
#[derive(Default)]
struct Keywords<'py> {
    out: Option<Bound<'py, PyAny>>,
    mask: Option<Bound<'py, PyAny>>,
    dtype: Option<maniple_array::Dtype>,
    casting: Option<maniple_array::Casting>,
    order: maniple_array::Layout,
    /// Something that only NumPy handles, or refuses with its own words.
    unknown: bool,
}

fn sort_out<'py>(keywords: Option<&Bound<'py, PyDict>>) -> PyResult<Keywords<'py>> {
    let mut sorted = Keywords::default();
    let Some(keywords) = keywords else { return Ok(sorted) };
    for (key, value) in keywords.iter() {
        let key = key.cast::<PyString>()?.to_cow()?.into_owned();
        match key.as_str() {
            "out" => sorted.out = given(Some(&value)).cloned(),
            "where" => {
                let is_true = value.is_instance_of::<pyo3::types::PyBool>() && value.is_truthy()?;
                sorted.mask = if is_true { None } else { Some(value) };
            }
            "dtype" => match arguments::optional_dtype(Some(&value))? {
                Some(Wanted::Ours(dtype)) => sorted.dtype = Some(dtype),
                Some(Wanted::Foreign) => sorted.unknown = true,
                None => {}
            },
            "casting" => sorted.casting = Some(arguments::casting(&value)?),
            "order" => sorted.order = arguments::layout(Some(&value), maniple_array::Layout::Keep)?,
            "subok" => sorted.unknown |= !value.is_instance_of::<pyo3::types::PyBool>(),
            _ => sorted.unknown = true,
        }
    }
    Ok(sorted)
}

/// Whether `out=` was given, even as `None`.
fn names_out(keywords: Option<&Bound<'_, PyDict>>) -> PyResult<bool> {
    keywords.map_or(Ok(false), |keywords| keywords.contains("out"))
}

/// Whether there are keyword arguments that may be arrays.
fn names_arrays(keywords: Option<&Bound<'_, PyDict>>) -> PyResult<bool> {
    match keywords {
        None => Ok(false),
        Some(keywords) => Ok(keywords.contains("out")? || keywords.contains("where")?),
    }
}

/// An array that results are written to.
enum Target<'py> {
    Fresh,
    Ours(Bound<'py, PyAny>, Array),
}

/// Calls a row with NumPy's arguments.
pub fn call<'py>(
    op: Op,
    function: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = arguments.py();
    let row = op.row();
    let (inputs, outputs) = (row.inputs as usize, row.outputs as usize);
    let elsewhere = || fallback(row.numpy, function, arguments, keywords);
    if arguments.len() < inputs || arguments.len() > inputs + outputs {
        return elsewhere();
    }
    let objects: SmallVec<[Bound<'py, PyAny>; 4]> = arguments.iter().collect();
    let mut givens: SmallVec<[Given<'_>; 3]> = SmallVec::new();
    let mut foreign = false;
    for object in &objects[..inputs] {
        match see(object)? {
            Seen::Given(given) => givens.push(given),
            Seen::Overrides | Seen::Refuses => return overridden(function, "__call__", arguments, keywords),
            Seen::Foreign => foreign = true,
        }
    }
    let is_number = |given: &Given<'_>| !matches!(given, Given::Array(_) | Given::Made(_));
    if !foreign && objects.len() == inputs && givens.iter().all(is_number) && !names_arrays(keywords)? {
        // Numbers only: NumPy's answer is a number too, and sooner there than recorded.
        return function.call(arguments, keywords);
    }
    if keywords.is_none() && objects.len() == inputs && !foreign {
        let inputs: SmallVec<[Input<'_>; 3]> = givens.iter().map(Given::input).collect();
        if outputs == 1 {
            return match record_one(py, op, &inputs) {
                Ok(made) => result(py, made),
                Err(failure) => refused(row.numpy, failure, arguments, keywords),
            };
        }
        return match record(py, op, &inputs, &Options::default()) {
            Ok(made) => give(py, made.into_iter().map(|array| result(py, array))),
            Err(failure) => refused(row.numpy, failure, arguments, keywords),
        };
    }
    let sorted = sort_out(keywords)?;
    if is_overridden(arguments, keywords)? {
        return overridden(function, "__call__", arguments, keywords);
    }
    if foreign || sorted.unknown || (sorted.out.is_some() && objects.len() > inputs) {
        return elsewhere();
    }
    let mut targets: SmallVec<[Target<'py>; 2]> = SmallVec::new();
    let mut given_outs: SmallVec<[Bound<'py, PyAny>; 2]> = objects[inputs..].iter().cloned().collect();
    if let Some(out) = &sorted.out {
        if arguments::is_tuple(out) {
            given_outs.extend(out.cast::<PyTuple>()?.iter());
            if given_outs.len() != outputs {
                return elsewhere();
            }
        } else if outputs == 1 {
            given_outs.push(out.clone());
        } else {
            return elsewhere();
        }
    }
    for out in given_outs {
        match target(&out)? {
            Some(found) => targets.push(found),
            None => return elsewhere(),
        }
    }
    let mask_given;
    let mask = match &sorted.mask {
        None => None,
        Some(mask) => match see(mask)? {
            Seen::Given(found) => {
                mask_given = attempt(|| found.into_array()).map_err(|error| exception(py, error))?;
                Some(&mask_given)
            }
            _ => return elsewhere(),
        },
    };
    if mask.is_some_and(|mask| mask.dtype() != maniple_array::Dtype::Bool) {
        return elsewhere();
    }
    if mask.is_some() && objects.len() == inputs && !names_out(keywords)? {
        let message =
            c"'where' used without 'out', expect unitialized memory in output. If this is intended, use \
                        out=None.";
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), message, 1)?;
    }
    let outs: SmallVec<[Option<&Array>; 2]> = (targets.iter())
        .map(|target| match target {
            Target::Fresh => None,
            Target::Ours(_, array) => Some(array),
        })
        .collect();
    let inputs: SmallVec<[Input<'_>; 3]> = givens.iter().map(Given::input).collect();
    let options =
        Options { out: &outs, mask, dtype: sorted.dtype, casting: sorted.casting, order: sorted.order };
    match record(py, op, &inputs, &options) {
        Ok(made) => {
            let mut targets = targets.iter();
            give(
                py,
                made.into_iter().map(|array| match targets.next() {
                    Some(Target::Ours(object, _)) => Ok(object.clone()),
                    _ => result(py, array),
                }),
            )
        }
        Err(failure) => refused(row.numpy, failure, arguments, keywords),
    }
}

/// One result, or a tuple of several.
fn give<'py>(
    py: Python<'py>,
    mut results: impl ExactSizeIterator<Item = PyResult<Bound<'py, PyAny>>>,
) -> PyResult<Bound<'py, PyAny>> {
    if results.len() == 1 {
        return results.next().expect("one result");
    }
    Ok(PyTuple::new(py, results.collect::<PyResult<Vec<_>>>()?)?.into_any())
}

/// The array that an `out=` entry names; `None` if NumPy must deal with it.
fn target<'py>(out: &Bound<'py, PyAny>) -> PyResult<Option<Target<'py>>> {
    let py = out.py();
    if out.is_none() {
        return Ok(Some(Target::Fresh));
    }
    if is_exactly(out, types(py).deferred) {
        return Err(PyTypeError::new_err("return arrays must be of ArrayType"));
    }
    if let Ok(ours) = out.cast::<NdArray>() {
        return Ok(match ours.get().held(py) {
            Held::Foreign(_) => None,
            Held::Native(array) => {
                let array = array.clone();
                ours.get().check_writeable("output array")?;
                Some(Target::Ours(out.clone(), array))
            }
        });
    }
    if is_exactly(out, types(py).numpy_array)
        && let Some((array, true)) = interop::attach(out)
    {
        return Ok(Some(Target::Ours(out.clone(), array)));
    }
    Ok(None)
}

/// The array that an `out=` argument of a reduction names, with the object to return.
pub fn single_target<'py>(
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Result<Option<(Bound<'py, PyAny>, Array)>, NotOurs>> {
    let Some(out) = given(out) else { return Ok(Ok(None)) };
    let one = match out.cast::<PyTuple>() {
        Ok(tuple) if tuple.len() == 1 => tuple.get_item(0)?,
        Ok(_) => return Ok(Err(NotOurs)),
        Err(_) => out.clone(),
    };
    Ok(match target(&one)? {
        Some(Target::Ours(object, array)) => Ok(Some((object, array))),
        Some(Target::Fresh) => Ok(None),
        None => Err(NotOurs),
    })
}

/// Something that NumPy must deal with.
pub struct NotOurs;

/// Lets the operands that override ufuncs, or want none, answer: NumPy asks them in its order and with its words. Our
/// own arrays among them answer `NotImplemented`.
fn overridden<'py>(
    function: &Bound<'py, PyAny>,
    method: &str,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(ask) = hook(function.py(), "override") {
        return ask.call1((function, method, arguments, keywords));
    }
    match method {
        "__call__" => function.call(arguments, keywords),
        method => function.getattr(method)?.call(arguments, keywords),
    }
}

/// Whether one of the operands is another class's that overrides ufuncs.
pub fn is_overridden(arguments: &Bound<'_, PyTuple>, keywords: Option<&Bound<'_, PyDict>>) -> PyResult<bool> {
    for argument in arguments.iter() {
        if has_a_say(&argument)? {
            return Ok(true);
        }
    }
    let Some(keywords) = keywords else { return Ok(false) };
    for name in ["out", "where"] {
        let Some(value) = keywords.get_item(name)? else { continue };
        let values: Vec<_> = match value.cast::<PyTuple>() {
            Ok(tuple) => tuple.iter().collect(),
            Err(_) => vec![value],
        };
        for value in values {
            if has_a_say(&value)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

static CLASS: PyOnceLock<Class> = PyOnceLock::new();

/// The class of ufuncs, whose calls need no tuples.
pub fn ufuncs_class(py: Python<'_>) -> PyResult<&'static Class> {
    CLASS.get_or_try_init(py, || class(&py.get_type::<Ufunc>(), c"maniple.numpy.ufunc", called))
}

/// Calls an object of the class of ufuncs.
unsafe extern "C" fn called(
    slf: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    /// A ufunc and what most of them take.
    const MOST: usize = 3;
    let count = positional(count);
    // SAFETY: Python calls with the interpreter attached, an object of the class, and arguments as the protocol has them.
    unsafe {
        if (1..MOST).contains(&count)
            && names.is_null()
            && let Some(direct) = PLAIN.get(Python::assume_attached()).and_then(|plain| plain[count - 1])
        {
            let mut all = [slf; MOST];
            all[1..=count].copy_from_slice(std::slice::from_raw_parts(arguments, count));
            return direct.call(all.as_ptr(), count + 1, names);
        }
        Python::attach(|py| {
            let slf = Bound::from_borrowed_ptr(py, slf);
            let ufunc = slf.cast_unchecked::<Ufunc>().get();
            answer(py, || {
                let (arguments, keywords) = packed(py, arguments, count, names)?;
                ufunc.__call__(&arguments, keywords.as_ref())
            })
        })
    }
}

/// What calls ufuncs on one and on two operands.
static PLAIN: PyOnceLock<[Option<Direct>; 2]> = PyOnceLock::new();

/// Prepares [`PLAIN`]. The two functions live as long as the process.
fn prepare(py: Python<'_>) -> PyResult<()> {
    let functions = [wrap_pyfunction!(call_on_one, py)?, wrap_pyfunction!(call_on_two, py)?];
    PLAIN.get_or_init(py, || {
        functions.map(|function| {
            let direct = Direct::of(function.as_any());
            std::mem::forget(function);
            direct
        })
    });
    Ok(())
}

#[pyfunction]
fn call_on_one<'py>(ufunc: &Bound<'py, Ufunc>, operand: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    call_plainly(ufunc, [operand])
}

#[pyfunction]
fn call_on_two<'py>(
    ufunc: &Bound<'py, Ufunc>,
    first: &Bound<'py, PyAny>,
    second: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    call_plainly(ufunc, [first, second])
}

/// A call without keywords. What most programs do is done here: one result, and an array among the operands.
fn call_plainly<'py, const N: usize>(
    ufunc: &Bound<'py, Ufunc>,
    operands: [&Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    let py = ufunc.py();
    let Ufunc { op, numpy } = ufunc.get();
    let row = op.row();
    if (row.inputs as usize, row.outputs) == (N, 1) {
        let mut givens: SmallVec<[Given<'_>; N]> = SmallVec::new();
        for operand in operands {
            if let Seen::Given(given) = see(operand)? {
                givens.push(given);
            }
        }
        let is_array = |given: &Given<'_>| matches!(given, Given::Array(_) | Given::Made(_));
        if givens.len() == N && givens.iter().any(is_array) {
            let inputs: SmallVec<[Input<'_>; N]> = givens.iter().map(Given::input).collect();
            return match record_one(py, *op, &inputs) {
                Ok(made) => result(py, made),
                Err(failure) => refused(row.numpy, failure, &PyTuple::new(py, operands)?, None),
            };
        }
    }
    call(*op, numpy.bind(py), &PyTuple::new(py, operands)?, None)
}

#[pymethods]
impl Ufunc {
    /// The row of a name; `numpy` is NumPy's ufunc.
    #[new]
    fn new(name: &str, numpy: Py<PyAny>) -> PyResult<Ufunc> {
        let op = Op::from_numpy(name).ok_or_else(|| PyTypeError::new_err("cannot create ufuncs"))?;
        Ok(Ufunc { op, numpy })
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn __call__<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        call(self.op, self.numpy.bind(arguments.py()), arguments, keywords)
    }

    fn __repr__(&self) -> String {
        format!("<ufunc '{}'>", self.op.row().numpy)
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        self.numpy.bind(py).getattr(name)
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>, &'static str))> {
        let module = py.import("maniple.numpy").or_else(|_| py.import("numpy"))?;
        Ok((py.import("builtins")?.getattr("getattr")?, (module.into_any(), self.op.row().numpy)))
    }

    #[getter]
    fn __name__(&self) -> &'static str {
        self.op.row().numpy
    }

    #[getter]
    fn __qualname__(&self) -> &'static str {
        self.op.row().numpy
    }

    fn __eq__<'py>(&self, other: &Bound<'py, PyAny>) -> bool {
        match other.cast::<Ufunc>() {
            Ok(other) => other.get().op == self.op,
            Err(_) => other.is(&self.numpy),
        }
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.numpy.bind(py).hash()
    }

    #[getter]
    fn nin(&self) -> u8 {
        self.op.row().inputs
    }

    #[getter]
    fn nout(&self) -> u8 {
        self.op.row().outputs
    }

    #[getter]
    fn nargs(&self) -> u8 {
        self.op.row().inputs + self.op.row().outputs
    }

    /// The numpy ufunc that this one stands for.
    #[getter]
    fn __maniple_numpy__<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.numpy.bind(py).clone()
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn reduce<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.method("reduce", arguments, keywords)
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn accumulate<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.method("accumulate", arguments, keywords)
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn reduceat<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.method("reduceat", arguments, keywords)
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn outer<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.method("outer", arguments, keywords)
    }

    #[pyo3(signature = (*arguments, **keywords))]
    fn at<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.method("at", arguments, keywords)
    }
}

impl Ufunc {
    /// Calls one of the ufunc's methods, natively where that goes.
    pub fn method<'py>(
        &self,
        name: &str,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = arguments.py();
        let function = self.numpy.bind(py);
        if is_overridden(arguments, keywords)? {
            return overridden(function, name, arguments, keywords);
        }
        let native = match name {
            "reduce" => crate::reductions::ufunc_reduce(self.op, arguments, keywords)?,
            "accumulate" => crate::reductions::ufunc_accumulate(self.op, arguments, keywords)?,
            "outer" => self.native_outer(arguments, keywords)?,
            "at" => crate::selecting::ufunc_at(self.op, arguments, keywords)?,
            _ => None,
        };
        match native {
            Some(found) => Ok(found),
            None => {
                let label = format!("{}.{name}", self.op.row().numpy);
                fallback(&label, &function.getattr(name)?, arguments, keywords)
            }
        }
    }

    fn native_outer<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = arguments.py();
        if arguments.len() != 2
            || keywords.is_some()
            || self.op.row().inputs != 2
            || self.op.row().outputs != 1
        {
            return Ok(None);
        }
        let (left, right) = (arguments.get_item(0)?, arguments.get_item(1)?);
        let (Seen::Given(left), Seen::Given(right)) = (see(&left)?, see(&right)?) else { return Ok(None) };
        let columns = right.ndim();
        let wide = match left {
            Given::Array(_) | Given::Made(_) => {
                let left = attempt(|| left.into_array()).map_err(|error| exception(py, error))?;
                let mut view = left.view().clone();
                view.shape.extend(std::iter::repeat_n(1, columns));
                view.strides.extend(std::iter::repeat_n(0, columns));
                Given::Made(left.with_view(left.dtype(), view))
            }
            scalar => scalar,
        };
        match record(py, self.op, &[wide.input(), right.input()], &Options::default()) {
            Ok(mut made) => Ok(Some(result(py, made.swap_remove(0))?)),
            Err(Failure::Array(error)) if error.kind == Kind::NotNative => Ok(None),
            Err(failure) => refused(self.op.row().numpy, failure, arguments, keywords).map(Some),
        }
    }
}
