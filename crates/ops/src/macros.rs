//! `ops!` turns the table into the enum `Op`, its rows, and for each row a function from key dtype to compiled case.
//!
//! A case reads `group, group => (a, b) -> S { body }`: for each dtype of the groups, `S` is its type in memory, `T`
//! the type of `a` and `b` in registers (half precision computes in `f32`, truth values are `bool`), `R` the real type
//! of a complex dtype. An argument of another type is annotated: `(a, b: i64)`.
//!
//! Where the instructions of a body raise other floating point events than NumPy reports, or none, `events { .. }`
//! states those that one element means, `events(result) { .. }` with the first output at hand. `odd` does the same where
//! only an element whose first output is zero, subnormal, infinite or missing means any: blocks without one are not
//! looked at; `rare` where only an element that is computed apart does. `review` does so where the processor is sure to meet some event if an element means one.
//!
//! `; unless (condition) { .. }` after the body computes the elements for which the condition holds: one at a time, after
//! all others, so that the body's loop vectorises.

/// See the module's documentation.
macro_rules! ops {
    ($(
        $(#[doc = $doc:literal])+
        $row:ident $numpy:literal $inputs:literal -> $outputs:literal
            $rule:ident $status:ident $order:ident $benign:literal $identity:ident {
            $( $($group:ident),+ => $args:tt -> $out:tt $body:block
               $(; unless $rare:tt $rarely:block)? $(, $how:ident $(($result:ident))? $events:block)? )+
        }
    )+) => {
        /// One element-wise operation: a row of the table.
        #[repr(u16)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Op {
            $( $(#[doc = $doc])+ $row, )+
        }

        pub(crate) const ALL: &[Op] = &[$(Op::$row),+];

        pub(crate) static ROWS: &[Row] = &[$(
            Row {
                op: Op::$row,
                name: stringify!($row),
                numpy: $numpy,
                inputs: $inputs,
                outputs: $outputs,
                rule: Rule::$rule,
                doc: concat!($($doc),+),
                benign: $benign,
                identity: $crate::macros::identity!($identity),
                order: Order::$order,
                status: Status::$status,
            },
        )+];

        pub(crate) static CASES: &[fn(Dtype) -> Option<Case>] = &[$(cases::$row),+];

        mod cases {
            #![allow(non_snake_case)]
            use super::*;
            $(
                pub(crate) fn $row(dtype: Dtype) -> Option<Case> {
                    $(
                        $crate::macros::groups!(
                            ($($group)+) dtype ($status $order $args $out $body ($($rare $rarely)?) ($($how $(($result))? $events)?))
                        );
                    )+
                    None
                }
            )+
        }
    };
}

/// The value of an identity column.
macro_rules! identity {
    (Nothing) => {
        None
    };
    ($identity:ident) => {
        Some(Identity::$identity)
    };
}

/// The groups of a case, one after another.
macro_rules! groups {
    (($($group:ident)+) $dtype:ident $case:tt) => {
        $( $crate::macros::group!($group $dtype $case); )+
    };
}

/// One `if` for each dtype of a group, with the types `S`, `T` and `R` of the case.
macro_rules! group {
    (bool $dtype:ident $case:tt) => { $crate::macros::case!($dtype Bool (Bool bool Bool) $case); };
    (int $dtype:ident $case:tt) => {
        $crate::macros::case!($dtype Int8 (i8 i8 i8) $case);
        $crate::macros::case!($dtype Int16 (i16 i16 i16) $case);
        $crate::macros::case!($dtype Int32 (i32 i32 i32) $case);
        $crate::macros::case!($dtype Int64 (i64 i64 i64) $case);
    };
    (uint $dtype:ident $case:tt) => {
        $crate::macros::case!($dtype UInt8 (u8 u8 u8) $case);
        $crate::macros::case!($dtype UInt16 (u16 u16 u16) $case);
        $crate::macros::case!($dtype UInt32 (u32 u32 u32) $case);
        $crate::macros::case!($dtype UInt64 (u64 u64 u64) $case);
    };
    (half $dtype:ident $case:tt) => { $crate::macros::case!($dtype Float16 (f16 f32 f16) $case); };
    (real $dtype:ident $case:tt) => {
        $crate::macros::case!($dtype Float32 (f32 f32 f32) $case);
        $crate::macros::case!($dtype Float64 (f64 f64 f64) $case);
    };
    (float $dtype:ident $case:tt) => {
        $crate::macros::group!(half $dtype $case);
        $crate::macros::group!(real $dtype $case);
    };
    (complex $dtype:ident $case:tt) => {
        $crate::macros::case!($dtype Complex64 ((Complex<f32>) (Complex<f32>) f32) $case);
        $crate::macros::case!($dtype Complex128 ((Complex<f64>) (Complex<f64>) f64) $case);
    };
    (int64 $dtype:ident $case:tt) => { $crate::macros::case!($dtype Int64 (i64 i64 i64) $case); };
    (uint64 $dtype:ident $case:tt) => { $crate::macros::case!($dtype UInt64 (u64 u64 u64) $case); };
    (float64 $dtype:ident $case:tt) => { $crate::macros::case!($dtype Float64 (f64 f64 f64) $case); };
    (complex128 $dtype:ident $case:tt) => {
        $crate::macros::case!($dtype Complex128 ((Complex<f64>) (Complex<f64>) f64) $case);
    };
}

/// One case at one dtype: a kernel type, and the pointers to its loops.
macro_rules! case {
    ($dtype:ident $name:ident ($storage:tt $value:tt $real:tt)
     ($status:ident $order:ident $args:tt $out:tt $body:block $rare:tt $events:tt)) => {
        if $dtype == Dtype::$name {
            #[allow(dead_code, unused_parens)]
            type S = $storage;
            #[allow(dead_code, unused_parens)]
            type T = $value;
            #[allow(dead_code, unused_parens)]
            type R = $real;
            enum K {}
            $crate::macros::kernel!($status $args $out $body $rare $events);
            return Some(const {
                Case::of::<K>($crate::macros::folds!(K $order $args $out))
            });
        }
    };
}

/// Implements `Kernel` for `K` from the arguments, the output and the body of a case.
macro_rules! kernel {
    ($status:ident ($a:ident) $out:tt $body:block $rare:tt $events:tt) => {
        $crate::macros::kernel!(@ $status ($a: S, _b: (), _c: ()) $out $body $rare $events);
    };
    ($status:ident ($a:ident, $b:ident) $out:tt $body:block $rare:tt $events:tt) => {
        $crate::macros::kernel!(@ $status ($a: S, $b: S, _c: ()) $out $body $rare $events);
    };
    ($status:ident ($a:ident, $b:ident: $second:ty) $out:tt $body:block $rare:tt $events:tt) => {
        $crate::macros::kernel!(@ $status ($a: S, $b: $second, _c: ()) $out $body $rare $events);
    };
    ($status:ident ($a:ident, $b:ident, $c:ident) $out:tt $body:block $rare:tt $events:tt) => {
        $crate::macros::kernel!(@ $status ($a: S, $b: S, $c: S) $out $body $rare $events);
    };
    ($status:ident ($a:ident: $first:ty, $b:ident, $c:ident) $out:tt $body:block $rare:tt $events:tt) => {
        $crate::macros::kernel!(@ $status ($a: $first, $b: S, $c: S) $out $body $rare $events);
    };
    (@ $status:ident ($a:ident: $first:ty, $b:ident: $second:ty, $c:ident: $third:ty)
     ($o:ty, $p:ty) $body:block $rare:tt $events:tt) => {
        $crate::macros::kernel!(@ $status ($a: $first, $b: $second, $c: $third) $o, $p, $body, both $rare $events);
    };
    (@ $status:ident ($a:ident: $first:ty, $b:ident: $second:ty, $c:ident: $third:ty)
     $o:tt $body:block $rare:tt $events:tt) => {
        $crate::macros::kernel!(@ $status ($a: $first, $b: $second, $c: $third) $o, (), ($body, ()), one $rare $events);
    };
    (@ $status:ident ($a:ident: $first:ty, $b:ident: $second:ty, $c:ident: $third:ty)
     $o:ty, $p:ty, $result:expr, $outputs:ident $rare:tt $events:tt) => {
        impl Kernel for K {
            type A = $first;
            type B = $second;
            type C = $third;
            type O = $o;
            type P = $p;
            const STATUS: Status = $crate::macros::status!($status $events);
            const ODD_EVENTS: bool = $crate::macros::events_are!(odd $events);
            const RARE_EVENTS: bool = $crate::macros::events_are!(rare $events);
            #[inline(always)]
            fn call(
                $a: <$first as Lane>::Value,
                $b: <$second as Lane>::Value,
                $c: <$third as Lane>::Value,
            ) -> (<$o as Lane>::Value, <$p as Lane>::Value) {
                $result
            }
            $crate::macros::rare!($outputs ($a: $first, $b: $second, $c: $third) $rare);
            $crate::macros::events!(($a: $first, $b: $second, $c: $third) $o, $events);
        }
    };
}

/// The elements that a kernel computes apart, and how; a single output becomes a pair with nothing.
macro_rules! rare {
    ($outputs:ident $args:tt ()) => {};
    (one $args:tt ($rare:tt $rarely:block)) => {
        $crate::macros::rare!(@ $args $rare ($rarely, ()));
    };
    (both $args:tt ($rare:tt $rarely:block)) => {
        $crate::macros::rare!(@ $args $rare $rarely);
    };
    (@ ($a:ident: $first:ty, $b:ident: $second:ty, $c:ident: $third:ty) ($rare:expr) $result:expr) => {
        const HAS_RARE: bool = true;
        #[inline(always)]
        #[allow(unused_variables)]
        fn is_rare(
            $a: <$first as Lane>::Value,
            $b: <$second as Lane>::Value,
            $c: <$third as Lane>::Value,
        ) -> bool {
            $rare
        }
        #[allow(unused_variables)]
        fn rare(
            $a: <$first as Lane>::Value,
            $b: <$second as Lane>::Value,
            $c: <$third as Lane>::Value,
        ) -> (<Self::O as Lane>::Value, <Self::P as Lane>::Value) {
            $result
        }
    };
}

/// The events of a kernel, from its inputs and, where a name is given for it, its first result.
macro_rules! events {
    ($args:tt $o:ty, ()) => {};
    ($args:tt $o:ty, ($how:ident $events:block)) => {
        $crate::macros::events!($args $o, ($how (_result) $events));
    };
    (($a:ident: $first:ty, $b:ident: $second:ty, $c:ident: $third:ty)
     $o:ty, ($how:ident ($result:ident) $events:block)) => {
        #[inline(always)]
        #[allow(unused_variables)]
        fn events(
            $a: <$first as Lane>::Value,
            $b: <$second as Lane>::Value,
            $c: <$third as Lane>::Value,
            $result: <$o as Lane>::Value,
        ) -> Flags {
            $events
        }
    };
}

/// The status of a case: its row's, unless it states its events.
macro_rules! status {
    ($status:ident ()) => {
        Status::$status
    };
    ($status:ident (events $($rest:tt)*)) => {
        Status::Computed
    };
    ($status:ident (odd $($rest:tt)*)) => {
        Status::Computed
    };
    ($status:ident (rare $($rest:tt)*)) => {
        Status::Computed
    };
    ($status:ident (review $($rest:tt)*)) => {
        Status::Reviewed
    };
}

/// Whether the events of a case are stated in the way of that name.
macro_rules! events_are {
    (odd (odd $($rest:tt)*)) => {
        true
    };
    (rare (rare $($rest:tt)*)) => {
        true
    };
    ($way:ident $anything:tt) => {
        false
    };
}

/// The folds of a kernel: a row that folds does so wherever two elements give one of the same dtype.
macro_rules! folds {
    ($kernel:ident Tree ($a:ident, $b:ident) S) => {
        Some($crate::fold::Folds::tree::<$kernel>())
    };
    ($kernel:ident Sequential ($a:ident, $b:ident) S) => {
        Some($crate::fold::Folds::sequential::<$kernel>())
    };
    ($($anything:tt)*) => {
        None
    };
}

pub(crate) use {case, events, events_are, folds, group, groups, identity, kernel, ops, rare, status};
