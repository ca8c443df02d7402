//! NVIDIA's library of linear algebra, loaded when a product first asks for it.

use crate::gemm::Gemm;
use libloading::Library;
use maniple_ops::Dtype;
use maniple_runtime::DeviceError;
use std::ffi::c_void;
use std::path::PathBuf;
use std::ptr;

/// Where NVIDIA's Python packages keep it, and what the system calls it, newest first.
const PACKAGED: [&str; 3] = [
    "nvidia/cu13/lib/libcublas.so.13",
    "nvidia/cublas/lib/libcublas.so.13",
    "nvidia/cublas/lib/libcublas.so.12",
];
const NAMES: [&str; 3] = ["libcublas.so.13", "libcublas.so.12", "libcublas.so.11"];

type Create = unsafe extern "C" fn(*mut *mut c_void) -> i32;
type SetStream = unsafe extern "C" fn(*mut c_void, *mut c_void) -> i32;
/// `cublas?gemm_v2`, whose pointers are to elements of its dtype.
type Multiply = unsafe extern "C" fn(
    *mut c_void,
    i32,
    i32,
    i32,
    i32,
    i32,
    *const c_void,
    *const c_void,
    i32,
    *const c_void,
    i32,
    *const c_void,
    *mut c_void,
    i32,
) -> i32;

/// The functions that are used of it.
pub(crate) struct Cublas {
    create: Create,
    set_stream: SetStream,
    /// For `float32`, `float64`, `complex64` and `complex128`.
    multiply: [Multiply; 4],
}

/// The library's state for one device's stream.
pub(crate) struct Handle(*mut c_void);

// SAFETY: a handle may be used from any thread, one at a time; the driver's lock sees to that.
unsafe impl Send for Handle {}

impl Cublas {
    /// The library in a Python package below `search`, or where the system finds it.
    pub(crate) fn find(search: &[PathBuf]) -> Option<Cublas> {
        let packaged = PACKAGED.iter().flat_map(|place| search.iter().map(move |folder| folder.join(place)));
        let places = packaged.filter(|path| path.exists()).chain(NAMES.iter().map(PathBuf::from));
        // SAFETY: NVIDIA's library; loading it runs its own initialisation only.
        let library = places.filter_map(|path| unsafe { Library::new(path) }.ok()).next()?;
        // SAFETY: the functions have these signatures in every version that is looked for, and the library stays loaded.
        let found = unsafe {
            let multiply = |name: &[u8]| library.get::<Multiply>(name).ok().map(|found| *found);
            Cublas {
                create: *library.get::<Create>(b"cublasCreate_v2\0").ok()?,
                set_stream: *library.get::<SetStream>(b"cublasSetStream_v2\0").ok()?,
                multiply: [
                    multiply(b"cublasSgemm_v2\0")?,
                    multiply(b"cublasDgemm_v2\0")?,
                    multiply(b"cublasCgemm_v2\0")?,
                    multiply(b"cublasZgemm_v2\0")?,
                ],
            }
        };
        std::mem::forget(library);
        Some(found)
    }

    /// A handle for the device whose context is current, on a stream of its.
    pub(crate) fn handle(&self, stream: *mut c_void) -> Result<Handle, DeviceError> {
        let mut handle = ptr::null_mut();
        // SAFETY: the pointer is to a live pointer, and the stream is the current context's. The handle is kept for ever.
        unsafe {
            check((self.create)(&mut handle))?;
            check((self.set_stream)(handle, stream))?;
        }
        Ok(Handle(handle))
    }

    /// Queues a product on the handle's stream.
    pub(crate) fn multiply(&self, handle: &Handle, gemm: &Gemm) -> Result<(), DeviceError> {
        // Ones and zeros of all four dtypes begin with the same bytes.
        let (single, double) = ([[1f32, 0.0], [0.0; 2]], [[1f64, 0.0], [0.0; 2]]);
        let constants = |wide: bool, at: usize| -> *const c_void {
            if wide { double[at].as_ptr().cast() } else { single[at].as_ptr().cast() }
        };
        let (number, wide) = match gemm.dtype {
            Dtype::Float32 => (0, false),
            Dtype::Float64 => (1, true),
            Dtype::Complex64 => (2, false),
            _ => (3, true),
        };
        let [m, n, k] = gemm.extents;
        let [a, b] = gemm.factors;
        let pointer = |address: u64| ptr::with_exposed_provenance_mut::<c_void>(address as usize);
        // SAFETY: the matrices lie in the device's memory as the arguments say; constants are read before it returns.
        check(unsafe {
            (self.multiply[number])(
                handle.0,
                i32::from(a.transposed),
                i32::from(b.transposed),
                m,
                n,
                k,
                constants(wide, 0),
                pointer(a.address),
                a.leading,
                pointer(b.address),
                b.leading,
                constants(wide, 1),
                pointer(gemm.result),
                gemm.leading,
            )
        })
    }
}

fn check(status: i32) -> Result<(), DeviceError> {
    if status == 0 { Ok(()) } else { Err(DeviceError(format!("cuBLAS answers with status {status}"))) }
}
