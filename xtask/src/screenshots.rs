//! `cargo xtask screenshots`: a picture of every page in `docs/pictures`.
//!
//! They are drawn by a test that runs `multispace serve` and the real terraform; here its pictures are kept. Look at them before
//! they are committed.

use std::fs;

use anyhow::Result;

use crate::{test, tree};

/// Draws them all anew.
pub(crate) fn run() -> Result<()> {
    let folder = tree::root().join("docs/pictures");
    fs::create_dir_all(&folder)?;
    for old in tree::files(&folder, ".webp")? {
        fs::remove_file(old)?;
    }
    let to = folder.to_string_lossy().into_owned();
    let only = ["-E".to_owned(), "package(multispace) & test(pictures::)".to_owned()];
    test::run_with(&only, &[("MULTISPACE_PICTURES", &to)])?;
    println!("\n{} pictures are in {}", tree::files(&folder, ".webp")?.len(), tree::shown(&folder));
    Ok(())
}
