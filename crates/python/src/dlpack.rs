//! Arrays in a device's memory, shared with other libraries without a copy: DLPack and `__cuda_array_interface__`.
//!
//! DLPack hands over a *capsule*, a Python object around a C structure that says where the elements lie and how to end the
//! loan; `__cuda_array_interface__` is a dictionary that says the same, and whose loan ends with the array. What lies in the
//! host's memory is NumPy's to hand over. See <https://dmlc.github.io/dlpack/latest> and
//! <https://nvidia.github.io/numba-cuda/user/cuda_array_interface.html>.

use crate::array::{NdArray, native_of, view_of};
use crate::errors::{attempt, run};
use crate::functions::not_native;
use crate::interop::{self, export_array};
use crate::types::{dtype_object, numpy, types};
use maniple_array::{Array, Dtype, runtime};
use maniple_runtime::{DeviceError, Handle, MemoryId, Shape, Sharing, Strides, View};
use pyo3::exceptions::{PyAttributeError, PyBufferError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::ffi::{CStr, c_void};
use std::ptr;

/// DLPack's number for the host's memory.
const CPU: i32 = 1;
/// DLPack's number for a CUDA device's memory.
const CUDA: i32 = 2;
/// DLPack's number for memory that CUDA moves by itself.
const CUDA_MANAGED: i32 = 13;

const READ_ONLY: u64 = 1;
const IS_COPIED: u64 = 2;

/// What [`Array::attach_in`] asks of addresses.
const ALIGNMENT: u64 = 256;

#[repr(C)]
struct Device {
    kind: i32,
    number: i32,
}

#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
struct Element {
    code: u8,
    bits: u8,
    lanes: u16,
}

/// DLPack's `DLTensor`. Strides are in elements; no strides mean C order.
#[repr(C)]
struct Tensor {
    data: *mut c_void,
    device: Device,
    ndim: i32,
    element: Element,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

/// DLPack's `DLManagedTensor`.
#[repr(C)]
struct Managed {
    tensor: Tensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Managed)>,
}

/// DLPack's `DLManagedTensorVersioned`.
#[repr(C)]
struct Versioned {
    version: [u32; 2],
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut Versioned)>,
    flags: u64,
    tensor: Tensor,
}

/// One of the two structures, by the names of its capsule before and after somebody took it over.
trait Structure: Sized {
    const NAME: &'static CStr;
    const USED: &'static CStr;
    /// Ends a loan.
    ///
    /// # Safety
    /// The structure is alive and its taker's.
    unsafe fn delete(this: *mut Self);
}

impl Structure for Managed {
    const NAME: &'static CStr = c"dltensor";
    const USED: &'static CStr = c"used_dltensor";
    unsafe fn delete(this: *mut Managed) {
        // SAFETY: the caller's promise; the structure's own function ends it.
        unsafe { (*this).deleter.into_iter().for_each(|deleter| deleter(this)) }
    }
}

impl Structure for Versioned {
    const NAME: &'static CStr = c"dltensor_versioned";
    const USED: &'static CStr = c"used_dltensor_versioned";
    unsafe fn delete(this: *mut Versioned) {
        // SAFETY: as above.
        unsafe { (*this).deleter.into_iter().for_each(|deleter| deleter(this)) }
    }
}

/// What the structures that we hand out point to.
struct Loan {
    region: Handle,
    shape: Vec<i64>,
    strides: Vec<i64>,
}

impl Drop for Loan {
    fn drop(&mut self) {
        runtime().end_loan(&self.region);
    }
}

unsafe extern "C" fn end_managed(this: *mut Managed) {
    // SAFETY: both boxes were made by `hand_out`, and the taker ends them once.
    unsafe { drop((Box::from_raw((*this).context.cast::<Loan>()), Box::from_raw(this))) }
}

unsafe extern "C" fn end_versioned(this: *mut Versioned) {
    // SAFETY: as above.
    unsafe { drop((Box::from_raw((*this).context.cast::<Loan>()), Box::from_raw(this))) }
}

/// Ends a capsule: what nobody took over ends with it.
unsafe extern "C" fn end_capsule<S: Structure>(capsule: *mut ffi::PyObject) {
    // SAFETY: the capsule is one that `hand_out` made, whose pointer is such a structure.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, S::NAME.as_ptr()) != 0 {
            S::delete(ffi::PyCapsule_GetPointer(capsule, S::NAME.as_ptr()).cast());
        }
    }
}

/// The kind and number of the device that an array's elements are on, as DLPack counts.
pub fn device(array: &Bound<'_, NdArray>) -> PyResult<(i32, i32)> {
    let py = array.py();
    let Some(native) = array.get().native(py) else { return Ok((CPU, 0)) };
    Ok(match resides(py, native)? {
        Some((memory, sharing)) => (CUDA, sharing.number(memory)),
        None => (CPU, 0),
    })
}

fn resides(py: Python<'_>, array: &Array) -> PyResult<Option<(MemoryId, &'static dyn Sharing)>> {
    if runtime().machine().backends.len() == 1 || array.size() == 0 {
        return Ok(None);
    }
    let array = array.clone();
    let found = py.detach(|| attempt(|| Ok(runtime().resides(array.region())?)));
    Ok(run(py, || found)?.and_then(|memory| Some((memory, runtime().sharing(memory)?))))
}

/// What `__dlpack__` was called with.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Asked<'py> {
    stream: Option<Bound<'py, PyAny>>,
    max_version: Option<(u32, u32)>,
    dl_device: Option<(i32, i32)>,
    copy: Option<bool>,
}

/// The capsule of an array: of the device's memory where all of it is there and the caller names a stream or the device,
/// of the host's otherwise. Whoever asks without having looked where the array is, as NumPy does, gets it on the host.
pub fn capsule<'py>(
    array: &Bound<'py, NdArray>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let asked = PyDict::new(py);
    for name in ["stream", "max_version", "dl_device", "copy"] {
        asked.set_item(name, py.None())?;
    }
    if let Some(keywords) = keywords {
        asked.update(keywords.as_mapping())?;
    }
    let on_host = || export_array(array)?.call_method("__dlpack__", (), keywords);
    let Ok(Asked { stream, max_version, dl_device, copy }) = asked.extract::<Asked<'_>>() else {
        return on_host();
    };
    let wants_device = dl_device.map_or(stream.is_some(), |(kind, _)| kind == CUDA);
    let Some(native) = array.get().native(py).filter(|_| wants_device && asked.len() == 4) else {
        return on_host();
    };
    if resides(py, native)?.is_none() {
        return on_host();
    }
    let stream = stream_of(stream.as_ref())?;
    let (native, copied) = match copy {
        Some(true) => (run(py, || native.copied())?, true),
        _ => (native.clone(), false),
    };
    let Some((memory, sharing)) = resides(py, &native)? else { return on_host() };
    let number = sharing.number(memory);
    if dl_device.is_some_and(|wanted| wanted != (CUDA, number)) {
        return on_host();
    }
    let writeable = copied || array.get().is_writeable();
    let versioned = max_version.is_some_and(|(major, _)| major >= 1);
    if !writeable && !versioned {
        return Err(PyBufferError::new_err(
            "Cannot export readonly array since signalling readonly is unsupported by DLPack (supported by newer DLPack \
             version).",
        ));
    }
    let item = native.dtype().size() as isize;
    if native.view().strides.iter().any(|stride| stride % item != 0) {
        return Err(PyBufferError::new_err("DLPack only supports strides which are a multiple of itemsize."));
    }
    let lent = native.clone();
    let lent = py.detach(|| attempt(|| Ok(runtime().lend(lent.region())?)));
    let Some((_, address)) = run(py, || lent)? else { return on_host() };
    let loan = Loan {
        region: native.region().clone(),
        shape: native.shape().iter().map(|&extent| extent as i64).collect(),
        strides: native.strides().iter().map(|&stride| (stride / item) as i64).collect(),
    };
    if let Some(stream) = stream {
        let own = sharing.stream(memory).map_err(failed)?;
        sharing.order(memory, own, stream).map_err(failed)?;
    }
    let data = address.wrapping_add_signed(native.view().offset as i64);
    let flags = if writeable { 0 } else { READ_ONLY } | if copied { IS_COPIED } else { 0 };
    hand_out(py, loan, data, native.dtype(), number, versioned.then_some(flags))
}

/// A capsule of a loan; of the newer kind if it has flags.
fn hand_out(
    py: Python<'_>,
    loan: Loan,
    data: u64,
    dtype: Dtype,
    number: i32,
    flags: Option<u64>,
) -> PyResult<Bound<'_, PyAny>> {
    let loan = Box::into_raw(Box::new(loan));
    // SAFETY: the box lives until the structure's deleter ends it.
    let (shape, strides) = unsafe { (&mut (*loan).shape, &mut (*loan).strides) };
    let tensor = Tensor {
        data: ptr::with_exposed_provenance_mut(data as usize),
        device: Device { kind: CUDA, number },
        ndim: shape.len() as i32,
        element: element_of(dtype),
        shape: shape.as_mut_ptr(),
        strides: strides.as_mut_ptr(),
        byte_offset: 0,
    };
    match flags {
        None => wrapped(py, Managed { tensor, context: loan.cast(), deleter: Some(end_managed) }),
        Some(flags) => wrapped(
            py,
            Versioned { version: [1, 0], context: loan.cast(), deleter: Some(end_versioned), flags, tensor },
        ),
    }
}

fn wrapped<S: Structure>(py: Python<'_>, structure: S) -> PyResult<Bound<'_, PyAny>> {
    let structure = Box::into_raw(Box::new(structure));
    // SAFETY: the pointer is not null; the capsule's end, or whoever takes it over, ends the structure.
    unsafe {
        let made = ffi::PyCapsule_New(structure.cast(), S::NAME.as_ptr(), Some(end_capsule::<S>));
        if made.is_null() {
            S::delete(structure);
        }
        Bound::from_owned_ptr_or_err(py, made)
    }
}

/// The stream that a caller names: nothing for -1, which asks for no order.
fn stream_of(stream: Option<&Bound<'_, PyAny>>) -> PyResult<Option<u64>> {
    // The default stream of old, which waits for the others.
    const LEGACY: u64 = 1;
    let Some(stream) = stream else { return Ok(Some(LEGACY)) };
    match stream.extract::<i64>() {
        Ok(-1) => Ok(None),
        Ok(0) => Err(PyValueError::new_err(
            "stream=0 is ambiguous; 1 is the legacy default stream, 2 the thread's",
        )),
        Ok(handle) if handle > 0 => Ok(Some(handle as u64)),
        _ => Err(PyTypeError::new_err("stream must be None, -1 or a positive integer")),
    }
}

/// `__cuda_array_interface__` of an array whose elements are on a device. Everything that was asked for has run: who reads it
/// need not wait.
pub fn interface<'py>(array: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    let native = array.get().native(py).cloned();
    let lent = match &native {
        Some(native) if resides(py, native)?.is_some() => {
            let lent = native.clone();
            let lent = py.detach(|| attempt(|| Ok(runtime().lend(lent.region())?)));
            run(py, || lent)?
        }
        _ => None,
    };
    let (Some(native), Some((memory, address))) = (native, lent) else {
        return Err(PyAttributeError::new_err("the array is not in the memory of a CUDA device"));
    };
    // The address may be used as long as this array lives, and nobody says when that ends: so the loan does not.
    if let Some(sharing) = runtime().sharing(memory) {
        py.detach(|| sharing.settle(memory)).map_err(failed)?;
    }
    let data = address.wrapping_add_signed(native.view().offset as i64);
    let found = PyDict::new(py);
    found.set_item("shape", PyTuple::new(py, native.shape())?)?;
    found.set_item("typestr", dtype_object(py, native.dtype()).bind(py).getattr("str")?)?;
    found.set_item("data", (data, !array.get().is_writeable()))?;
    let strides =
        if native.is_c_contiguous() { None } else { Some(PyTuple::new(py, native.strides().iter())?) };
    found.set_item("strides", strides)?;
    found.set_item("version", 3)?;
    found.set_item("stream", py.None())?;
    Ok(found.into_any())
}

/// `numpy.from_dlpack`: an array on a device's memory where the object's elements are on one.
#[pyfunction]
#[pyo3(signature = (x, /, *, device = None, copy = None))]
pub fn from_dlpack<'py>(
    x: &Bound<'py, PyAny>,
    device: Option<&Bound<'py, PyAny>>,
    copy: Option<bool>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = x.py();
    if device.is_some_and(|device| !device.is_none()) || !x.hasattr("__dlpack_device__")? {
        return Err(not_native());
    }
    if let Ok(ours) = x.cast::<NdArray>()
        && let Some(native) = native_of(x)
    {
        return match copy {
            Some(true) => crate::array::fresh(py, run(py, || native.copied())?),
            _ => view_of(ours, native.clone()),
        };
    }
    let (kind, number) = x.call_method0("__dlpack_device__")?.extract::<(i32, i32)>()?;
    if ![CUDA, CUDA_MANAGED].contains(&kind) {
        return Err(not_native());
    }
    py.detach(|| runtime().find_devices());
    let sharings = runtime().machine().memories.iter().filter_map(|memory| runtime().sharing(memory.id));
    let found = sharings.filter_map(|sharing| Some((sharing.memory(number)?, sharing))).next();
    let Some((memory, sharing)) = found else {
        if copy == Some(false) {
            return Err(PyValueError::new_err(format!("CUDA device {number} is not one that Maniple uses")));
        }
        // Whose device we do not know, that one brings it to the host.
        let keywords = PyDict::new(py);
        keywords.set_item("device", "cpu")?;
        return interop::adopt(numpy(py).getattr("from_dlpack")?.call((x,), Some(&keywords))?);
    };
    let keywords = PyDict::new(py);
    keywords.set_item("stream", sharing.stream(memory).map_err(failed)?)?;
    keywords.set_item("max_version", (1, 0))?;
    let capsule = match x.call_method("__dlpack__", (), Some(&keywords)) {
        Err(error) if error.is_instance_of::<PyTypeError>(py) => {
            keywords.del_item("max_version")?;
            x.call_method("__dlpack__", (), Some(&keywords))?
        }
        capsule => capsule?,
    };
    let (array, writeable) = taken_over(&capsule, memory)?;
    match copy {
        Some(true) => crate::array::fresh(py, run(py, || array.copied())?),
        _ => Ok(Bound::new(py, NdArray::attached(array, writeable))?.into_any()),
    }
}

/// An array on what a capsule lends, and whether it may be written.
fn taken_over(capsule: &Bound<'_, PyAny>, memory: MemoryId) -> PyResult<(Array, bool)> {
    let object = capsule.as_ptr();
    // SAFETY: a capsule of one of the two names points to such a structure, which is ours once it is renamed.
    unsafe {
        if ffi::PyCapsule_IsValid(object, Versioned::NAME.as_ptr()) != 0 {
            let (structure, keeper) = owned::<Versioned>(capsule)?;
            if (*structure).version[0] != 1 {
                return Err(PyBufferError::new_err(
                    "the capsule is of a version of DLPack that is not known",
                ));
            }
            let array = attached(&(*structure).tensor, memory, keeper)?;
            return Ok((array, (*structure).flags & READ_ONLY == 0));
        }
        let (structure, keeper) = owned::<Managed>(capsule)?;
        Ok((attached(&(*structure).tensor, memory, keeper)?, true))
    }
}

/// Takes a capsule's structure over. It ends with the object that is answered.
unsafe fn owned<S: Structure>(capsule: &Bound<'_, PyAny>) -> PyResult<(*mut S, Py<PyAny>)> {
    unsafe extern "C" fn end<S: Structure>(keeper: *mut ffi::PyObject) {
        // SAFETY: the keeper is a capsule that `owned` made.
        unsafe { S::delete(ffi::PyCapsule_GetPointer(keeper, S::USED.as_ptr()).cast()) }
    }
    let py = capsule.py();
    // SAFETY: the caller's capsule, whose name is looked at; its own end does nothing after it was renamed.
    unsafe {
        let structure = ffi::PyCapsule_GetPointer(capsule.as_ptr(), S::NAME.as_ptr()).cast::<S>();
        if structure.is_null() {
            return Err(PyErr::fetch(py));
        }
        let keeper = ffi::PyCapsule_New(structure.cast(), S::USED.as_ptr(), Some(end::<S>));
        let keeper = Bound::from_owned_ptr_or_err(py, keeper)?;
        ffi::PyCapsule_SetName(capsule.as_ptr(), S::USED.as_ptr());
        Ok((structure, keeper.unbind()))
    }
}

/// An array on the memory of a tensor that `keeper` keeps.
unsafe fn attached(tensor: &Tensor, memory: MemoryId, keeper: Py<PyAny>) -> PyResult<Array> {
    let dtype = Dtype::ALL.iter().copied().find(|&dtype| element_of(dtype) == tensor.element);
    let Some(dtype) = dtype else {
        return Err(PyRuntimeError::new_err("Unsupported dtype in DLTensor."));
    };
    let axes = tensor.ndim.max(0) as usize;
    let numbers = |pointer: *const i64| -> Vec<i64> {
        // SAFETY: the producer names as many numbers as there are axes.
        if axes == 0 { Vec::new() } else { unsafe { std::slice::from_raw_parts(pointer, axes) }.to_vec() }
    };
    let shape: Shape = numbers(tensor.shape).into_iter().map(|extent| extent.max(0) as usize).collect();
    let strides: Strides = if tensor.strides.is_null() {
        View::contiguous(&shape, dtype.size()).strides
    } else {
        numbers(tensor.strides).into_iter().map(|stride| stride as isize * dtype.size() as isize).collect()
    };
    let data = (tensor.data.expose_provenance() as u64).wrapping_add(tensor.byte_offset);
    on_device(memory, data, dtype, View { offset: 0, shape, strides }, keeper)
}

/// An array on a device's memory from the address of its first element on.
fn on_device(
    memory: MemoryId,
    data: u64,
    dtype: Dtype,
    mut view: View,
    keeper: Py<PyAny>,
) -> PyResult<Array> {
    if view.size() == 0 {
        return Array::empty(&view.shape, dtype).map_err(|error| PyRuntimeError::new_err(error.to_string()));
    }
    if !data.is_multiple_of(dtype.size().min(8) as u64) {
        return Err(PyBufferError::new_err("the elements are not aligned"));
    }
    let lowest = data.wrapping_sub(interop::reach_below(&view) as u64);
    let base = lowest / ALIGNMENT * ALIGNMENT;
    view.offset = data.wrapping_sub(base) as isize;
    let bytes = view.span(dtype.size()).high;
    // SAFETY: the keeper keeps what the view reaches; devices hand memory out in multiples of the alignment, so what lies
    // between the base and the first element is memory of the same owner's, which no task touches.
    Ok(unsafe { Array::attach_in(memory, base, bytes, Box::new(keeper), dtype, view) })
}

/// The array of an object that says where its elements are on a device, or that speaks DLPack and nothing that NumPy
/// understands.
pub fn of_object<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    let class = object.get_type_ptr();
    let table = types(py);
    let plain = [
        &raw mut ffi::PyList_Type,
        &raw mut ffi::PyTuple_Type,
        &raw mut ffi::PyLong_Type,
        &raw mut ffi::PyFloat_Type,
        &raw mut ffi::PyBool_Type,
        &raw mut ffi::PyComplex_Type,
        &raw mut ffi::PyUnicode_Type,
        table.numpy_array,
    ];
    // SAFETY: both are classes.
    let is_scalar = || unsafe { ffi::PyType_IsSubtype(class, table.generic) } != 0;
    if plain.contains(&class) || is_scalar() || object.is_instance_of::<NdArray>() {
        return Ok(None);
    }
    // What an object raises when it is asked is said by whatever NumPy asks it.
    if let Ok(Some(interface)) = object.getattr_opt("__cuda_array_interface__")
        && let Ok(interface) = interface.cast::<PyDict>()
    {
        return of_interface(object, interface).map(Some);
    }
    let known = ["__array__", "__array_interface__", "__array_struct__"];
    let has = |name: &str| matches!(object.getattr_opt(name), Ok(Some(_)));
    if !has("__dlpack__") || !has("__dlpack_device__") || known.into_iter().any(has) {
        return Ok(None);
    }
    match from_dlpack(object, None, None) {
        Err(error) if error.is_instance_of::<crate::errors::NotNative>(py) => {
            interop::adopt(numpy(py).call_method1("from_dlpack", (object,))?).map(Some)
        }
        made => made.map(Some),
    }
}

fn of_interface<'py>(
    object: &Bound<'py, PyAny>,
    interface: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let item = |name: &str| interface.get_item(name).map(|found| found.filter(|value| !value.is_none()));
    let missing = || PyValueError::new_err("__cuda_array_interface__ lacks shape, typestr or data");
    if item("mask")?.is_some() {
        return Err(PyValueError::new_err("__cuda_array_interface__ with a mask is not supported"));
    }
    let shape: Vec<usize> = item("shape")?.ok_or_else(missing)?.extract()?;
    let (data, read_only): (u64, bool) = item("data")?.ok_or_else(missing)?.extract()?;
    let typestr = item("typestr")?.ok_or_else(missing)?;
    let named = numpy(py).call_method1("dtype", (&typestr,))?;
    let Some(dtype) = interop::dtype_of_descriptor(py, named.as_ptr().cast()) else {
        return Err(PyValueError::new_err(format!("arrays of {typestr} on a device are not supported")));
    };
    let shape = Shape::from_slice(&shape);
    let strides = match item("strides")? {
        Some(strides) => Strides::from_slice(&strides.extract::<Vec<isize>>()?),
        None => View::contiguous(&shape, dtype.size()).strides,
    };
    if strides.len() != shape.len() {
        return Err(PyValueError::new_err(
            "__cuda_array_interface__ has strides and shape of different lengths",
        ));
    }
    let view = View { offset: 0, shape, strides };
    py.detach(|| runtime().find_devices());
    let sharings = runtime().machine().memories.iter().filter_map(|memory| runtime().sharing(memory.id));
    let found = sharings.filter_map(|sharing| Some((sharing.memory_at(data)?, sharing))).next();
    if view.size() > 0 {
        let Some((memory, sharing)) = found else {
            return Err(PyValueError::new_err("the array is on a device that Maniple does not use"));
        };
        if let Some(stream) = item("stream")? {
            let theirs = stream_of(Some(&stream))?;
            let own = sharing.stream(memory).map_err(failed)?;
            theirs.map_or(Ok(()), |theirs| sharing.order(memory, theirs, own)).map_err(failed)?;
        }
        let array = on_device(memory, data, dtype, view, object.clone().unbind())?;
        return Ok(Bound::new(py, NdArray::attached(array, !read_only))?.into_any());
    }
    let array = run(py, || Array::empty(&view.shape, dtype))?;
    Ok(Bound::new(py, NdArray::of(array))?.into_any())
}

/// How DLPack names a dtype.
fn element_of(dtype: Dtype) -> Element {
    let code = match dtype {
        Dtype::Int8 | Dtype::Int16 | Dtype::Int32 | Dtype::Int64 => 0,
        Dtype::UInt8 | Dtype::UInt16 | Dtype::UInt32 | Dtype::UInt64 => 1,
        Dtype::Float16 | Dtype::Float32 | Dtype::Float64 => 2,
        Dtype::Complex64 | Dtype::Complex128 => 5,
        Dtype::Bool => 6,
    };
    Element { code, bits: 8 * dtype.size() as u8, lanes: 1 }
}

fn failed(error: DeviceError) -> PyErr {
    crate::errors::DeviceError::new_err(error.0)
}
