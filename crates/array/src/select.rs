//! Reading and writing by index arrays and masks.

use crate::{Array, Casting, Input, Options, Result, apply};
use maniple_ops::Op;

impl Array {
    /// `self[mask] = value` for a mask and a value that broadcast to this array: a choice between old and new, element
    /// by element, so that nobody needs to know how many elements the mask picks.
    ///
    /// # Errors
    /// `ValueError` if mask or value do not broadcast to this array; `OverflowError` for a Python integer that does
    /// not fit.
    pub fn assign_where(&self, mask: &Array, value: Input<'_>) -> Result<()> {
        let cast;
        let value = match value {
            Input::Array(array) if array.dtype() == self.dtype() => value,
            Input::Array(array) => {
                cast = array.astype(self.dtype(), crate::Layout::Keep)?;
                Input::Array(&cast)
            }
            scalar => Input::Scalar(crate::elementwise::constant(&scalar, self.dtype())?),
        };
        let out = [Some(self)];
        let options = Options { out: &out, casting: Some(Casting::Unsafe), ..Options::default() };
        apply(Op::Select, &[mask.into(), value, self.into()], &options).map(|_| ())
    }
}
