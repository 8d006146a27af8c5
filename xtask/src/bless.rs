//! `cargo xtask bless`: rewrites the golden files from what the code does now.

use anyhow::Result;

use crate::{test, tidy};

/// The room-to-room edges first: they need no build. A test that fails for another reason still fails.
pub(crate) fn run(args: &[String]) -> Result<()> {
    tidy::bless()?;
    test::run_with(args, &[("UPDATE_EXPECT", "1")])?;
    println!("\nThe golden files are as the code is now. `git diff` shows what that changed.");
    Ok(())
}
