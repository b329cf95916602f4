//! Values that stand as names in tables, each enumerated once: its variant, its name, and its doc comment, which is also its definition in
//! the documentation of the tables.

macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// Every value, in order of index.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value as it stands in tables.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn definition(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim(),)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// A count for every value of such an enumeration.
macro_rules! counts {
    ($(#[$meta:meta])* $counts:ident of $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $counts([u64; $name::ALL.len()]);

        impl $counts {
            /// How many of one name.
            #[must_use]
            pub const fn of(&self, name: $name) -> u64 {
                self.0[name as usize]
            }

            /// All of them together.
            #[must_use]
            pub fn total(&self) -> u64 {
                self.0.iter().sum()
            }

            /// Counts one.
            pub(crate) const fn add(&mut self, name: $name) {
                self.0[name as usize] += 1;
            }
        }
    };
}

pub(crate) use {counts, names};
