//! The levels that a custom role is put together from, by the words that HCP Terraform has for them. Each list goes from
//! less to more, and begins with what everybody has who has access at all.

macro_rules! levels {
    ($($(#[$doc:meta])* $name:ident { $first:ident = $first_text:literal, $($level:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            #[doc = concat!("`", $first_text, "`")] #[default] $first,
            $(#[doc = concat!("`", $text, "`")] $level,)*
        }

        impl $name {
            /// All of them, in the order of the list.
            pub const ALL: &'static [Self] = &[Self::$first, $(Self::$level,)*];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { Self::$first => $first_text, $(Self::$level => $text,)* }
            }

            /// What that word stands for.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|level| level.as_str() == word)
            }
        }
    )*};
}

pub(super) use levels;

levels! {
    /// What may be done with runs.
    Runs { Read = "read", Plan = "plan", Apply = "apply", }
    /// What may be done with variables.
    Variables { None = "none", Read = "read", Write = "write", }
    /// What may be done with state versions.
    States { None = "none", ReadOutputs = "read-outputs", Read = "read", Write = "write", }
    /// What may be done with Sentinel mocks, which are not made here: the level is kept for clients that set it.
    Mocks { None = "none", Read = "read", }
    /// What may be done with a project itself.
    ProjectSettings { Read = "read", Update = "update", Delete = "delete", }
    /// What may be done with the access of teams to a project.
    Teams { None = "none", Read = "read", Manage = "manage", }
    /// What may be done with a project's variable sets.
    VariableSets { None = "none", Read = "read", Write = "write", }
}
