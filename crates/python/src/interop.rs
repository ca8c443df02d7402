//! Sharing memory with NumPy and with everybody who speaks the buffer protocol.
//!
//! *Attaching* makes a region of memory that somebody else owns; *exporting* lets somebody else see a region's bytes.
//! While memory is shared, the runtime runs every task that touches it at once, since the other side may look at any
//! time. A NumPy array that only we hold is not shared: after a fallback its result is soon ours alone, which
//! [`settle`] notices.

use crate::array::{Held, NdArray, deferred_of};
use crate::errors::{attempt, run};
use crate::types::{descriptor, is_exactly, types};
use crate::warnings;
use maniple_array::{Array, Dtype};
use maniple_runtime::{Handle, Region, Shape, Strides, View};
use numpy::npyffi::{
    NPY_ARRAY_ALIGNED, NPY_ARRAY_OWNDATA, NPY_ARRAY_WRITEABLE, NPY_TYPES, PY_ARRAY_API, PyArray_Descr,
    PyArrayObject, PyArrayObject_fields,
};
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use smallvec::SmallVec;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Weak};
use std::time::{Duration, Instant};

/// How long a wait goes on before signals are looked at.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(50);

/// What a NumPy array that we made on our own memory has as its base: it keeps the region, and shares it, for as long
/// as that array or a view of it lives.
#[pyclass(frozen, module = "maniple")]
pub struct Exporter {
    /// Some view of the region.
    array: Array,
    /// Where byte 0 of the region lies.
    address: u64,
    /// The Python object that was exported, which `base` of views leads to.
    owner: Option<Py<PyAny>>,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.array.region().unexport();
    }
}

/// The address of an array's first element in host memory, when everything that writes it has run. The interpreter is
/// released only if there is something to wait for.
pub fn bring_home(py: Python<'_>, array: &Array, writes: bool) -> PyResult<*mut u8> {
    let address = match run(py, || array.try_host())? {
        Some(address) => address,
        None => {
            wait(py, |end| array.settle(end))?;
            let found = py.detach(|| attempt(|| array.host(writes).map(|found| found as usize)));
            run(py, || found)? as *mut u8
        }
    };
    warnings::emit(py)?;
    Ok(address)
}

/// Waits until `settled` says that it is over, with the interpreter released. A signal's handler, such as that of Ctrl-C,
/// runs meanwhile; if it raises an exception the work goes on, and whoever needs it waits again.
pub fn wait(py: Python<'_>, settled: impl Fn(Instant) -> maniple_array::Result<bool> + Sync) -> PyResult<()> {
    loop {
        let over = py.detach(|| attempt(|| settled(Instant::now() + BETWEEN_SIGNALS)));
        if run(py, || over)? {
            return Ok(());
        }
        py.check_signals()?;
    }
}

/// A NumPy array that shares an array's memory for as long as it lives.
pub fn export<'py>(
    py: Python<'py>,
    array: &Array,
    writable: bool,
    owner: Option<&Bound<'py, NdArray>>,
) -> PyResult<Bound<'py, PyAny>> {
    static NOTHING: [u64; 2] = [0; 2];
    if maniple_array::runtime().is_lent(array.region()) {
        // Nobody would tell those who share it on a device of what NumPy writes.
        let copy = run(py, || array.copied())?;
        return export(py, &copy, false, None);
    }
    let mut address = bring_home(py, array, writable)?;
    let base = address.wrapping_offset(-array.view().offset) as u64;
    array.region().export();
    let exporter = Bound::new(
        py,
        Exporter {
            array: array.clone(),
            address: base,
            owner: owner.map(|owner| owner.clone().into_any().unbind()),
        },
    )?;
    if array.size() == 0 {
        address = NOTHING.as_ptr() as *mut u8;
    }
    let mut shape: SmallVec<[isize; 8]> = array.shape().iter().map(|&extent| extent as isize).collect();
    let mut strides: SmallVec<[isize; 8]> = array.strides().iter().copied().collect();
    let flags = if writable { NPY_ARRAY_WRITEABLE } else { 0 };
    // SAFETY: the memory is kept by the exporter, the array's base; `NewFromDescr` takes the descriptor's reference
    // and `SetBaseObject` the exporter's.
    unsafe {
        let made = PY_ARRAY_API.PyArray_NewFromDescr(
            py,
            types(py).numpy_array,
            descriptor(py, array.dtype()),
            shape.len() as c_int,
            shape.as_mut_ptr(),
            strides.as_mut_ptr(),
            address.cast(),
            flags,
            ptr::null_mut(),
        );
        let made = Bound::from_owned_ptr_or_err(py, made)?;
        if PY_ARRAY_API.PyArray_SetBaseObject(py, made.as_ptr().cast(), exporter.into_ptr()) < 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(made)
    }
}

/// The NumPy face of one of our arrays: the foreign array itself, or an export with the array's own writeability; a
/// deferred scalar becomes NumPy's scalar.
pub fn export_any<'py>(array: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    if let Some(native) = deferred_of(array.as_any()) {
        return crate::scalar::value(py, native);
    }
    export_array(array)
}

/// As [`export_any`], with an array also for a deferred scalar.
pub fn export_array<'py>(array: &Bound<'py, NdArray>) -> PyResult<Bound<'py, PyAny>> {
    let py = array.py();
    match array.get().held(py) {
        Held::Foreign(foreign) => Ok(foreign.bind(py).clone()),
        Held::Native(native) => export(py, &native.clone(), array.get().is_writeable(), Some(array)),
    }
}

/// An array of ours on a NumPy array's memory: native if the dtype is ours, else the NumPy array behind our face.
pub fn wrap<'py>(array: &Bound<'py, PyAny>) -> PyResult<Bound<'py, NdArray>> {
    let py = array.py();
    let made = match attach(array) {
        None => NdArray::foreign(array.clone().unbind()),
        Some((native, writeable)) => NdArray::attached(native, writeable).with_base(base_of(array)),
    };
    Bound::new(py, made)
}

/// An array on the memory of a NumPy array, and whether it may be written; `None` if we do not hold its dtype, byte
/// order or alignment.
pub fn attach(array: &Bound<'_, PyAny>) -> Option<(Array, bool)> {
    let (dtype, data, shape, strides, flags) = parts(array)?;
    let writeable = flags & NPY_ARRAY_WRITEABLE != 0;
    if let Some((ours, base)) = own_region(array) {
        let offset = if shape.contains(&0) { 0 } else { data as isize - base as isize };
        return Some((ours.with_view(dtype, View { offset, shape, strides }), writeable));
    }
    let attached = attach_memory(array, dtype, data, View { offset: 0, shape, strides });
    attached.region().export();
    watch(attached.region(), array);
    Some((attached, writeable))
}

/// An array on the memory of a NumPy array, of which its dtype, the address of its first element, shape and strides are
/// given.
fn attach_memory(array: &Bound<'_, PyAny>, dtype: Dtype, data: *const u8, mut view: View) -> Array {
    let mut low = 0;
    if view.size() > 0 {
        low = reach_below(&view);
        view.offset = low;
    }
    let bytes = view.span(dtype.size()).high;
    let keeper = Box::new(array.clone().unbind());
    // SAFETY: the NumPy array keeps its memory for as long as `keeper` holds it, and the view is that of the array.
    unsafe { Array::attach((data as u64).wrapping_sub(low as u64), bytes, keeper, dtype, view) }
}

/// The elements of a NumPy array for a call that only reads them: small ones are copied, so that the call need not
/// run at once.
pub fn attach_for_reading(array: &Bound<'_, PyAny>) -> Option<Array> {
    /// Up to so many bytes a copy costs less than running what was recorded before.
    const SMALL: usize = 64 << 10;
    let (dtype, data, shape, strides, _) = parts(array)?;
    let view = View::contiguous(&shape, dtype.size());
    let size = view.size();
    if size * dtype.size() > SMALL || own_region(array).is_some() {
        return attach(array).map(|(array, _)| array);
    }
    let mut copy: Vec<u64> = vec![0; (size * dtype.size()).div_ceil(8)];
    let given = View { offset: 0, shape, strides };
    // SAFETY: the NumPy array's elements are readable, and the copy has room for all of them.
    unsafe { copy_out(data, &given, dtype.size(), copy.as_mut_ptr().cast()) };
    let address = copy.as_ptr() as u64;
    // SAFETY: the vector's heap memory does not move with the box, and lives as long as it.
    Some(unsafe { Array::attach(address, size * dtype.size(), Box::new(copy), dtype, view) })
}

/// Looks again at attached NumPy arrays that others held too: those that only we hold now are not shared any more.
#[inline(always)]
pub fn settle(py: Python<'_>) {
    if WATCHED.load(Ordering::Relaxed) != 0 {
        settle_now(py);
    }
}

/// A NumPy array of which we do not know yet whether others hold it.
struct Watched {
    region: Weak<Region>,
    array: usize,
    looks: u8,
}

static WATCHED: AtomicUsize = AtomicUsize::new(0);
static LIST: Mutex<Vec<Watched>> = Mutex::new(Vec::new());

/// How often an array is looked at before it is taken for shared.
const LOOKS: u8 = 4;

fn watch(region: &Handle, array: &Bound<'_, PyAny>) {
    let mut list = LIST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    list.push(Watched {
        region: std::sync::Arc::downgrade(region.region()),
        array: array.as_ptr() as usize,
        looks: 0,
    });
    WATCHED.store(list.len(), Ordering::Relaxed);
}

#[cold]
fn settle_now(_py: Python<'_>) {
    let mut list = LIST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // Regions that die here may release Python objects; they are dropped after the list is unlocked.
    let mut alive = Vec::new();
    list.retain_mut(|watched| {
        let Some(region) = watched.region.upgrade() else { return false };
        watched.looks += 1;
        // SAFETY: the region's keeper holds the array.
        let ours = unsafe { only_we_hold(watched.array as *mut ffi::PyObject) };
        if ours {
            region.unexport();
        }
        alive.push(region);
        !ours && watched.looks < LOOKS
    });
    WATCHED.store(list.len(), Ordering::Relaxed);
    drop(list);
}

/// Whether the one reference on a NumPy array is ours, and the memory is the array's own (or that of a base that only
/// the array holds).
unsafe fn only_we_hold(array: *mut ffi::PyObject) -> bool {
    let mut object = array;
    loop {
        // SAFETY: the caller holds the array, which holds its base.
        unsafe {
            if ffi::Py_REFCNT(object) != 1 || !is_numpy_array(object) {
                return false;
            }
            let fields = fields_of(object);
            if fields.base.is_null() {
                return fields.flags & NPY_ARRAY_OWNDATA != 0;
            }
            object = fields.base;
        }
    }
}

/// Dtype, address, shape, strides and flags of a NumPy array that we can hold.
#[allow(clippy::type_complexity)]
fn parts(array: &Bound<'_, PyAny>) -> Option<(Dtype, *const u8, Shape, Strides, c_int)> {
    // SAFETY: the object is checked to be a NumPy array, whose structure is part of NumPy's stable interface.
    unsafe {
        if !is_numpy_array(array.as_ptr()) {
            return None;
        }
        let fields = fields_of(array.as_ptr());
        let dtype = dtype_of_descriptor(array.py(), fields.descr)?;
        if fields.flags & NPY_ARRAY_ALIGNED == 0 {
            return None;
        }
        let (shape, strides) = match fields.nd as usize {
            0 => (Shape::new(), Strides::new()),
            nd => (
                std::slice::from_raw_parts(fields.dimensions, nd)
                    .iter()
                    .map(|&extent| extent as usize)
                    .collect(),
                Strides::from_slice(std::slice::from_raw_parts(fields.strides, nd)),
            ),
        };
        Some((dtype, fields.data.cast_const().cast(), shape, strides, fields.flags))
    }
}

/// The dtype of NumPy's descriptor, if it is one of ours in the machine's byte order.
pub fn dtype_of_descriptor(py: Python<'_>, descriptor: *mut PyArray_Descr) -> Option<Dtype> {
    let known = types(py).dtypes.iter().position(|dtype| dtype.as_ptr() == descriptor.cast());
    if let Some(found) = known {
        return Some(Dtype::ALL[found]);
    }
    // SAFETY: the descriptor is alive, and these first fields are the same in all versions of NumPy.
    let fields = unsafe { &(*descriptor).fields };
    let long = if size_of::<std::ffi::c_long>() == 8 { Dtype::Int64 } else { Dtype::Int32 };
    let unsigned_long = if size_of::<std::ffi::c_long>() == 8 { Dtype::UInt64 } else { Dtype::UInt32 };
    let swapped = if cfg!(target_endian = "little") { b'>' } else { b'<' };
    if fields.byteorder as u8 == swapped {
        return None;
    }
    let number = |found: NPY_TYPES| found as c_int;
    Some(match fields.type_num {
        found if found == number(NPY_TYPES::NPY_BOOL) => Dtype::Bool,
        found if found == number(NPY_TYPES::NPY_BYTE) => Dtype::Int8,
        found if found == number(NPY_TYPES::NPY_UBYTE) => Dtype::UInt8,
        found if found == number(NPY_TYPES::NPY_SHORT) => Dtype::Int16,
        found if found == number(NPY_TYPES::NPY_USHORT) => Dtype::UInt16,
        found if found == number(NPY_TYPES::NPY_INT) => Dtype::Int32,
        found if found == number(NPY_TYPES::NPY_UINT) => Dtype::UInt32,
        found if found == number(NPY_TYPES::NPY_LONG) => long,
        found if found == number(NPY_TYPES::NPY_ULONG) => unsigned_long,
        found if found == number(NPY_TYPES::NPY_LONGLONG) => Dtype::Int64,
        found if found == number(NPY_TYPES::NPY_ULONGLONG) => Dtype::UInt64,
        found if found == number(NPY_TYPES::NPY_HALF) => Dtype::Float16,
        found if found == number(NPY_TYPES::NPY_FLOAT) => Dtype::Float32,
        found if found == number(NPY_TYPES::NPY_DOUBLE) => Dtype::Float64,
        found if found == number(NPY_TYPES::NPY_CFLOAT) => Dtype::Complex64,
        found if found == number(NPY_TYPES::NPY_CDOUBLE) => Dtype::Complex128,
        _ => return None,
    })
}

/// The array of ours that a NumPy array is the face of, if it shows all of it as it is.
pub fn behind<'py>(array: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let py = array.py();
    let (ours, base) = own_region(array)?;
    let (dtype, data, shape, strides, _) = parts(array)?;
    let view = View { offset: data as isize - base as isize, shape, strides };
    let exporter = owner_of(array);
    let owner = exporter.cast_exact::<Exporter>().ok()?.get().owner.as_ref()?.bind(py).clone();
    let native = owner.cast::<NdArray>().ok()?.get().native(py)?;
    let same =
        native.region().id == ours.region().id && native.dtype() == dtype && native.view().same_as(&view);
    same.then_some(owner)
}

/// What `base` of our face of a NumPy array is: the array of ours that it shows memory of, or NumPy's own base.
fn base_of(array: &Bound<'_, PyAny>) -> Option<Py<PyAny>> {
    // SAFETY: the caller has checked that the object is a NumPy array, which holds its base.
    let base = unsafe {
        let base = fields_of(array.as_ptr()).base;
        if base.is_null() {
            return None;
        }
        Bound::from_borrowed_ptr(array.py(), base)
    };
    if let Ok(exporter) = owner_of(array).cast_exact::<Exporter>() {
        return exporter.get().owner.as_ref().map(|owner| owner.clone_ref(array.py()));
    }
    Some(base.unbind())
}

/// The last object in the chain of a NumPy array's bases.
fn owner_of<'py>(array: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let mut object = array.as_ptr();
    // SAFETY: the array holds its base, and that its own.
    unsafe {
        while is_numpy_array(object) && !fields_of(object).base.is_null() {
            object = fields_of(object).base;
        }
        Bound::from_borrowed_ptr(array.py(), object)
    }
}

/// An array of ours on the region that a NumPy array's memory belongs to, and the region's address, if we exported it.
fn own_region(array: &Bound<'_, PyAny>) -> Option<(Array, u64)> {
    let py = array.py();
    let owner = owner_of(array);
    if let Ok(exporter) = owner.cast_exact::<Exporter>() {
        return Some((exporter.get().array.clone(), exporter.get().address));
    }
    // `numpy.asarray` of one of ours goes through a memory view.
    if !is_exactly(&owner, ptr::addr_of_mut!(ffi::PyMemoryView_Type)) {
        // `numpy.lib.stride_tricks` puts an object of its own between a view and what it is a view of.
        let inner = owner.getattr("base").ok()?;
        return if is_exactly(&inner, types(py).numpy_array) { own_region(&inner) } else { None };
    }
    let held = owner.getattr("obj").ok()?;
    let ours = held.cast::<NdArray>().ok()?;
    let Held::Native(native) = ours.get().held(py) else { return None };
    let address = crate::errors::attempt(|| native.try_host()).ok()??;
    Some((native.clone(), address.wrapping_offset(-native.view().offset) as u64))
}

/// How far below the element with index zero a view reaches, in bytes.
pub fn reach_below(view: &View) -> isize {
    (view.shape.iter().zip(&view.strides))
        .filter(|&(_, &stride)| stride < 0)
        .map(|(&extent, &stride)| (extent as isize - 1) * -stride)
        .sum()
}

/// Copies the elements of a view at `from` to consecutive places at `to`.
unsafe fn copy_out(from: *const u8, view: &View, item: usize, to: *mut u8) {
    // SAFETY: the caller vouches for both; every element of the view is copied once.
    unsafe {
        if view.is_contiguous(item) {
            ptr::copy_nonoverlapping(from, to, view.size() * item);
            return;
        }
        let (mut index, mut target): (SmallVec<[usize; 8]>, _) = (SmallVec::from_elem(0, view.ndim()), to);
        for _ in 0..view.size() {
            let offset: isize =
                index.iter().zip(&view.strides).map(|(&at, &stride)| at as isize * stride).sum();
            ptr::copy_nonoverlapping(from.offset(offset), target, item);
            target = target.add(item);
            for axis in (0..view.ndim()).rev() {
                index[axis] += 1;
                if index[axis] < view.shape[axis] {
                    break;
                }
                index[axis] = 0;
            }
        }
    }
}

unsafe fn is_numpy_array(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's object is alive.
    unsafe {
        let class = types(Python::assume_attached()).numpy_array;
        ffi::Py_TYPE(object) == class || ffi::PyType_IsSubtype(ffi::Py_TYPE(object), class) != 0
    }
}

unsafe fn fields_of<'a>(array: *mut ffi::PyObject) -> &'a PyArrayObject_fields {
    // SAFETY: the caller's object is a NumPy array.
    unsafe { &(*array.cast::<PyArrayObject>()).fields }
}

/// What a buffer that we filled points to.
struct BufferParts {
    region: Handle,
    shape: SmallVec<[isize; 4]>,
    strides: SmallVec<[isize; 4]>,
}

/// Fills a buffer for the buffer protocol.
///
/// # Safety
/// `buffer` is what Python hands to `bf_getbuffer`.
pub unsafe fn fill_buffer(
    slf: &Bound<'_, NdArray>,
    buffer: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<()> {
    let py = slf.py();
    if let Held::Foreign(foreign) = slf.get().held(py) {
        // SAFETY: forwarded as it came; NumPy's array becomes the buffer's owner.
        return if unsafe { ffi::PyObject_GetBuffer(foreign.as_ptr(), buffer, flags) } < 0 {
            Err(PyErr::fetch(py))
        } else {
            Ok(())
        };
    }
    let Some(native) = slf.get().native(py) else { unreachable!("an array is foreign or native") };
    let native = native.clone();
    let wants = |flag: c_int| flags & flag == flag;
    let writable = slf.get().is_writeable() && !maniple_array::runtime().is_lent(native.region());
    if wants(ffi::PyBUF_WRITABLE) && !writable {
        return Err(PyBufferError::new_err("buffer source array is read-only"));
    }
    let (c, f) = (native.is_c_contiguous(), native.is_f_contiguous());
    let refused = if wants(ffi::PyBUF_C_CONTIGUOUS) && !c {
        Some("ndarray is not C-contiguous")
    } else if wants(ffi::PyBUF_F_CONTIGUOUS) && !f {
        Some("ndarray is not Fortran contiguous")
    } else if (wants(ffi::PyBUF_ANY_CONTIGUOUS) && !c && !f) || (!wants(ffi::PyBUF_STRIDES) && !c) {
        Some("ndarray is not contiguous")
    } else {
        None
    };
    if let Some(message) = refused {
        return Err(PyBufferError::new_err(message));
    }
    let address = bring_home(py, &native, writable)?;
    native.region().export();
    let mut parts = Box::new(BufferParts {
        region: native.region().clone(),
        shape: native.shape().iter().map(|&extent| extent as isize).collect(),
        // Where an axis has one element its stride does not matter; readers of buffers expect the regular one.
        strides: if c {
            View::contiguous(native.shape(), native.dtype().size()).strides
        } else if f {
            let reversed: Shape = native.shape().iter().rev().copied().collect();
            View::contiguous(&reversed, native.dtype().size()).strides.into_iter().rev().collect()
        } else {
            native.view().strides.clone()
        },
    });
    // SAFETY: the caller's buffer is ours to fill; what it points to lives until `release_buffer`.
    unsafe {
        let buffer = &mut *buffer;
        buffer.buf = address.cast();
        buffer.len = (native.size() * native.dtype().size()) as isize;
        buffer.itemsize = native.dtype().size() as isize;
        buffer.readonly = c_int::from(!writable);
        buffer.ndim = native.ndim() as c_int;
        buffer.format = if wants(ffi::PyBUF_FORMAT) {
            format_of(native.dtype()).as_ptr().cast_mut()
        } else {
            ptr::null_mut()
        };
        buffer.shape = if wants(ffi::PyBUF_ND) { parts.shape.as_mut_ptr() } else { ptr::null_mut() };
        buffer.strides = if wants(ffi::PyBUF_STRIDES) { parts.strides.as_mut_ptr() } else { ptr::null_mut() };
        buffer.suboffsets = ptr::null_mut();
        buffer.internal = Box::into_raw(parts).cast::<c_void>();
        buffer.obj = slf.clone().into_any().into_ptr();
    }
    Ok(())
}

/// Ends what [`fill_buffer`] began.
///
/// # Safety
/// `buffer` was filled by [`fill_buffer`].
pub unsafe fn release_buffer(buffer: *mut ffi::Py_buffer) {
    // SAFETY: `internal` is the box that was put there.
    unsafe {
        if !(*buffer).internal.is_null() {
            let parts = Box::from_raw((*buffer).internal.cast::<BufferParts>());
            parts.region.unexport();
        }
    }
}

/// The element format of the buffer protocol.
fn format_of(dtype: Dtype) -> &'static CStr {
    match dtype {
        Dtype::Bool => c"?",
        Dtype::Int8 => c"b",
        Dtype::Int16 => c"h",
        Dtype::Int32 => c"i",
        Dtype::Int64 if size_of::<std::ffi::c_long>() == 8 => c"l",
        Dtype::Int64 => c"q",
        Dtype::UInt8 => c"B",
        Dtype::UInt16 => c"H",
        Dtype::UInt32 => c"I",
        Dtype::UInt64 if size_of::<std::ffi::c_long>() == 8 => c"L",
        Dtype::UInt64 => c"Q",
        Dtype::Float16 => c"e",
        Dtype::Float32 => c"f",
        Dtype::Float64 => c"d",
        Dtype::Complex64 => c"Zf",
        Dtype::Complex128 => c"Zd",
    }
}

/// A 0-d array of one value, without running anything that was recorded.
pub fn array_of(value: maniple_array::Scalar) -> maniple_array::Result<Array> {
    let dtype = value.dtype();
    let mut place = Box::new([0u64; 2]);
    // SAFETY: the place has 16 bytes, and no element has more.
    unsafe { ptr::copy_nonoverlapping(value.as_bytes().as_ptr(), place.as_mut_ptr().cast(), dtype.size()) };
    let address = place.as_ptr() as u64;
    // SAFETY: the box keeps the place.
    Ok(unsafe { Array::attach(address, dtype.size(), place, dtype, View::contiguous(&[], dtype.size())) })
}

/// Whether an object is a NumPy array that nobody else holds, with memory of its own.
pub fn is_alone(array: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is alive; the caller's reference is the one that is counted.
    is_exactly(array, types(array.py()).numpy_array) && unsafe { only_we_hold(array.as_ptr()) }
}

/// The array of ours on a NumPy array that was just made: if nobody else holds it, it is not shared from the start.
pub fn adopt(array: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = array.py();
    if !is_exactly(&array, types(py).numpy_array) {
        return Ok(array);
    }
    if is_alone(&array)
        && let Some((dtype, data, shape, strides, flags)) = parts(&array)
    {
        let native = attach_memory(&array, dtype, data, View { offset: 0, shape, strides });
        let made = NdArray::attached(native, flags & NPY_ARRAY_WRITEABLE != 0);
        return Ok(Bound::new(py, made.with_base(base_of(&array)))?.into_any());
    }
    Ok(wrap(&array)?.into_any())
}

/// The size in bytes of a NumPy array's elements.
pub fn bytes_of_numpy(array: &Bound<'_, PyAny>) -> usize {
    parts(array).map_or(0, |(dtype, _, shape, _, _)| shape.iter().product::<usize>() * dtype.size())
}

/// The number of elements of a NumPy array, if it is one that we can hold.
pub fn elements_of_numpy(array: &Bound<'_, PyAny>) -> Option<usize> {
    parts(array).map(|(_, _, shape, _, _)| shape.iter().product())
}
