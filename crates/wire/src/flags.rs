//! Structs of nothing but yes and no: permissions, actions, entitlements.

/// Defines a struct whose fields are all `bool`, kebab-case on the network and false by default, with `all(bool)`.
macro_rules! flags {
    ($(#[$doc:meta])* $name:ident { $($field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, rename_all = "kebab-case")]
        pub struct $name {
            $(#[doc = concat!("`", stringify!($field), "`, with dashes.")] pub $field: bool,)*
        }

        impl $name {
            /// Every flag the same.
            pub fn all(value: bool) -> Self {
                Self { $($field: value,)* }
            }
        }
    };
}

pub(crate) use flags;
