//! Arrays: a dtype and a view of a region, with what can be told without computing.

use crate::{Error, Result, runtime};
use maniple_ops::{Dtype, Element, Scalar};
use maniple_runtime::{
    Access, Handle, KernelId, Line, MemoryId, Operand, Privilege, Strides, View, human_bytes, per_axis,
};
use std::any::Any;
use std::fmt;
use std::time::Instant;

/// An n-dimensional array with NumPy's semantics. Cloning it makes another handle on the same elements.
#[derive(Clone)]
pub struct Array {
    pub(crate) region: Handle,
    pub(crate) dtype: Dtype,
    pub(crate) view: View,
}

/// NumPy's limit on the number of axes.
pub const MOST_AXES: usize = 64;

impl Array {
    /// Elements of undefined value, in C order.
    ///
    /// # Errors
    /// `MemoryError` if no memory could ever hold it, `ValueError` for more than 64 axes or a size beyond 2^63.
    pub fn empty(shape: &[usize], dtype: Dtype) -> Result<Array> {
        let bytes = bytes_of(shape, dtype)?;
        let mut view = View::contiguous(shape, dtype.size());
        if bytes == 0 {
            // NumPy's allocations of nothing have no strides to speak of.
            view.strides.fill(0);
        }
        Ok(Array { region: runtime().create(bytes), dtype, view })
    }

    /// Elements of undefined value whose axes lie in memory in the order `axes`, slowest first.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn empty_ordered(shape: &[usize], dtype: Dtype, axes: &[usize]) -> Result<Array> {
        let mut array = Array::empty(shape, dtype)?;
        if array.size() == 0 {
            return Ok(array);
        }
        let mut step = dtype.size() as isize;
        for &axis in axes.iter().rev() {
            array.view.strides[axis] = step;
            step *= shape[axis].max(1) as isize;
        }
        Ok(array)
    }

    /// A C-order array with the elements of a slice.
    ///
    /// # Errors
    /// `ValueError` if the number of elements is not that of the shape, and as [`Array::empty`].
    pub fn from_slice<T: Element>(shape: &[usize], elements: &[T]) -> Result<Array> {
        if elements.len() != shape.iter().product::<usize>() {
            return Err(Error::value(format!(
                "cannot reshape array of size {} into shape {shape:?}",
                elements.len()
            )));
        }
        let array = Array::empty(shape, T::DTYPE)?;
        array.write_bytes(bytemuck::cast_slice(elements))?;
        Ok(array)
    }

    /// An array on host memory that somebody else owns. Byte 0 of the region is at `address`; `keeper` keeps the
    /// memory alive.
    ///
    /// # Safety
    /// The `bytes` bytes at `address` must stay valid, and be writable if the array is written, until `keeper` is
    /// dropped; `view` must stay within them.
    pub unsafe fn attach(
        address: u64,
        bytes: usize,
        keeper: Box<dyn Any + Send>,
        dtype: Dtype,
        view: View,
    ) -> Array {
        debug_assert!(view.span(dtype.size()).high <= bytes);
        Array { region: runtime().attach(address, bytes, keeper), dtype, view }
    }

    /// An array on a device's memory that somebody else owns, as [`Array::attach`].
    ///
    /// # Safety
    /// As for [`Array::attach`], of the device's addresses; `address` is a multiple of 256.
    pub unsafe fn attach_in(
        memory: MemoryId,
        address: u64,
        bytes: usize,
        keeper: Box<dyn Any + Send>,
        dtype: Dtype,
        view: View,
    ) -> Array {
        debug_assert!(view.span(dtype.size()).high <= bytes);
        Array { region: runtime().attach_in(memory, address, bytes, keeper), dtype, view }
    }

    /// The same region through another view.
    pub fn with_view(&self, dtype: Dtype, view: View) -> Array {
        Array { region: self.region.clone(), dtype, view }
    }

    /// The region that holds its elements.
    pub fn region(&self) -> &Handle {
        &self.region
    }

    /// Where its elements lie in the region.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The dtype of its elements.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// The extent of every axis.
    pub fn shape(&self) -> &[usize] {
        &self.view.shape
    }

    /// The step of every axis in bytes.
    pub fn strides(&self) -> &[isize] {
        &self.view.strides
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.view.ndim()
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.view.size()
    }

    /// Whether it is laid out in C order without gaps (NumPy's `flags.c_contiguous`).
    pub fn is_c_contiguous(&self) -> bool {
        self.size() == 0 || self.view.is_contiguous(self.dtype.size())
    }

    /// Whether it is laid out in Fortran order without gaps.
    pub fn is_f_contiguous(&self) -> bool {
        self.size() == 0 || self.view.is_fortran_contiguous(self.dtype.size())
    }

    /// Whether both have the same shape.
    #[inline]
    pub(crate) fn has_shape_of(&self, other: &Array) -> bool {
        // Shapes are too short for a call that compares memory.
        let (own, others) = (self.shape(), other.shape());
        own.len() == others.len() && own.iter().zip(others).all(|(own, other)| own == other)
    }

    /// The array with its axes in reverse order; a view.
    pub fn transposed(&self) -> Array {
        let (View { offset, shape, strides }, last) = (&self.view, self.ndim().wrapping_sub(1));
        let (shape, strides) = (
            per_axis(self.ndim(), |axis| shape[last - axis]),
            per_axis(self.ndim(), |axis| strides[last - axis]),
        );
        self.with_view(self.dtype, View { offset: *offset, shape, strides })
    }

    /// The address of the element with index zero in host memory, after everything that writes it has run. If
    /// `writes`, the caller may change the elements.
    ///
    /// # Errors
    /// A failure of the tasks it depends on.
    pub fn host(&self, writes: bool) -> Result<*mut u8> {
        let base = runtime().host(&self.region, writes)?;
        Ok((base as *mut u8).wrapping_offset(self.view.offset))
    }

    /// Waits for what computes the array, at least until an instant has passed. Answers whether that is over.
    ///
    /// # Errors
    /// As [`Array::host`].
    pub fn settle(&self, end: Instant) -> Result<bool> {
        Ok(runtime().settle(Some(&self.region), end)?)
    }

    /// As [`Array::host`], if that needs no waiting.
    ///
    /// # Errors
    /// As [`Array::host`].
    pub fn try_host(&self) -> Result<Option<*mut u8>> {
        Ok(runtime().try_host(&self.region)?.map(|base| (base as *mut u8).wrapping_offset(self.view.offset)))
    }

    /// As [`Array::host`], for elements that the caller changes at once, if nothing that was recorded before has yet to run.
    pub fn try_write(&self) -> Option<*mut u8> {
        runtime().try_write(&self.region).map(|base| (base as *mut u8).wrapping_offset(self.view.offset))
    }

    /// The value of the only element, or of the first.
    ///
    /// # Errors
    /// A failure of the tasks it depends on; `ValueError` if there is no element.
    pub fn item(&self) -> Result<Scalar> {
        if self.size() == 0 {
            return Err(Error::value("can only convert an array of size 1 to a Python scalar"));
        }
        let address = match self.try_host()? {
            Some(address) => address,
            None => self.host(false)?,
        };
        // SAFETY: the runtime says that the region's bytes are at this address, and the view stays within them.
        let bytes = unsafe { std::slice::from_raw_parts(address, self.dtype.size()) };
        Ok(Scalar::from_bytes(self.dtype, bytes))
    }

    /// A copy of the elements in C order.
    ///
    /// # Errors
    /// A failure of the tasks it depends on; `TypeError` if `T` is not the array's dtype.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if T::DTYPE != self.dtype {
            let (wanted, found) = (T::DTYPE.name(), self.dtype.name());
            return Err(Error::type_error(format!("array of {found} asked for elements of {wanted}")));
        }
        let array = self.contiguous()?;
        let address = array.host(false)?;
        let mut elements: Vec<T> = vec![T::zeroed(); self.size()];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut elements);
        // SAFETY: the array is contiguous, so as many bytes lie at the address.
        unsafe { std::ptr::copy_nonoverlapping(address, bytes.as_mut_ptr(), bytes.len()) };
        Ok(elements)
    }

    /// The array itself if it is in C order without gaps, or a copy that is.
    ///
    /// # Errors
    /// As [`Array::empty`].
    pub fn contiguous(&self) -> Result<Array> {
        if self.is_c_contiguous() { Ok(self.clone()) } else { self.copied() }
    }

    /// Fills a fresh C-order array with bytes.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) -> Result<()> {
        let address = match runtime().try_begin(&self.region) {
            Some(address) => address as *mut u8,
            None => self.host(true)?,
        };
        // SAFETY: the array is fresh, contiguous and as large as `bytes`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address, bytes.len()) };
        Ok(())
    }

    /// The array as an argument of a kernel whose point `p` is element `p`.
    pub(crate) fn operand(&self, privilege: Privilege) -> Operand<'_> {
        Operand::element(&self.region, privilege, self.dtype, &self.view)
    }

    /// The array as an argument with another access.
    pub(crate) fn operand_with(&self, privilege: Privilege, access: Access) -> Operand<'_> {
        self.operand(privilege).with_access(access)
    }

    /// Whether both arrays are views of one region: only then are equal views the same elements.
    pub(crate) fn has_region_of(&self, other: &Array) -> bool {
        self.region.id == other.region.id
    }

    /// Whether the elements of two arrays may share memory.
    pub fn may_share_memory(&self, other: &Array) -> bool {
        let (item, other_item) = (self.dtype.size(), other.dtype.size());
        match self.region.distance(&other.region) {
            None => false,
            Some(0) => self.view.may_overlap(item, &other.view, other_item),
            Some(distance) => {
                // Views of one memory count from where the first of the two regions begins.
                let placed = |view: &View, ahead: i64| View {
                    offset: view.offset + ahead.max(0) as isize,
                    ..view.clone()
                };
                placed(&self.view, -distance).may_overlap(item, &placed(&other.view, distance), other_item)
            }
        }
    }
}

/// Records a task with this thread's context.
pub(crate) fn record(
    kernel: KernelId,
    extent: usize,
    operands: &[Operand<'_>],
    scalars: &[Scalar],
) -> Result<()> {
    let context = crate::session::context();
    Ok(runtime().record(kernel, extent, operands, scalars, context.watch, context.line)?)
}

/// Records a task that raises no floating point flags anybody wants to hear about.
pub(crate) fn record_quiet(
    kernel: KernelId,
    extent: usize,
    operands: &[Operand<'_>],
    scalars: &[Scalar],
) -> Result<()> {
    let line: Line = crate::session::context().line;
    Ok(runtime().record(kernel, extent, operands, scalars, 0, line)?)
}

/// The bytes of an array, if any memory could hold it.
fn bytes_of(shape: &[usize], dtype: Dtype) -> Result<usize> {
    if shape.len() > MOST_AXES {
        return Err(Error::value(format!(
            "maximum supported dimension for an ndarray is 64, found {}",
            shape.len()
        )));
    }
    let too_big = || Error::value("Maximum allowed dimension exceeded");
    let (mut bytes, mut none) = (dtype.size(), false);
    for &extent in shape {
        none |= extent == 0;
        bytes = bytes
            .checked_mul(extent.max(1))
            .filter(|&bytes| bytes <= isize::MAX as usize)
            .ok_or_else(too_big)?;
    }
    if none {
        return Ok(0);
    }
    if bytes > runtime().machine().memories[0].bytes {
        return Err(Error::new(
            crate::Kind::Memory,
            format!(
                "Unable to allocate {} for an array with shape {} and data type {}",
                human_bytes(bytes),
                shape_text(shape),
                dtype.name()
            ),
        ));
    }
    Ok(bytes)
}

/// A shape as Python prints a tuple.
pub fn shape_text(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// A shape as NumPy prints it in broadcasting errors.
pub fn shape_text_dense(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",")),
    }
}

/// The strides of a C-order array.
pub(crate) fn c_strides(shape: &[usize], item: usize) -> Strides {
    View::contiguous(shape, item).strides
}

impl fmt::Debug for Array {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Array({} {:?} of {:?})", self.dtype.name(), self.view, *self.region)
    }
}
