//! Stacks of roots to measure on: nothing but `terraform_data`, so that what is measured is the walk and not a cloud.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// Roots in an order in which each comes after those it reads.
pub(super) struct Stack {
    pub(super) name: String,
    roots: Vec<Root>,
}

struct Root {
    name: String,
    reads: Vec<String>,
}

/// Each root reads the one before it.
pub(super) fn chain(length: usize) -> Stack {
    let name = |at: usize| format!("w{at:03}");
    let roots = (0..length)
        .map(|at| Root { name: name(at), reads: at.checked_sub(1).map(name).into_iter().collect() })
        .collect();
    Stack { name: format!("chain of {length}"), roots }
}

/// `width` upstreams, and as many downstreams that each read all of them.
pub(super) fn mesh(width: usize) -> Stack {
    let upstreams: Vec<String> = (1..=width).map(|at| format!("u{at}")).collect();
    let mut roots: Vec<Root> = upstreams.iter().map(|name| Root { name: name.clone(), reads: Vec::new() }).collect();
    roots.extend((1..=width).map(|at| Root { name: format!("d{at}"), reads: upstreams.clone() }));
    Stack { name: format!("mesh of {width} and {width}"), roots }
}

impl Stack {
    /// Writes a folder for each root.
    pub(super) fn write(&self, place: &Path) -> Result<()> {
        for root in &self.roots {
            let folder = place.join(&root.name);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("main.tf"), root.code())?;
        }
        Ok(())
    }

    /// One root after the other, upstreams first.
    pub(super) fn in_order(&self, mut work: impl FnMut(&str) -> Result<()>) -> Result<()> {
        self.roots.iter().try_for_each(|root| work(&root.name))
    }
}

impl Root {
    fn code(&self) -> String {
        let mut code = String::new();
        let mut inputs = vec![format!("\"{}\"", self.name)];
        for upstream in &self.reads {
            code += &format!(
                "data \"terraform_remote_state\" \"{upstream}\" {{\n  backend = \"local\"\n  config = {{\n    \
                 path = \"../{upstream}/terraform.tfstate\"\n  }}\n}}\n\n"
            );
            inputs.push(format!("data.terraform_remote_state.{upstream}.outputs.id"));
        }
        code +=
            &format!("resource \"terraform_data\" \"this\" {{\n  input = join(\" \", [{}])\n}}\n\n", inputs.join(", "));
        code += "output \"id\" {\n  value = terraform_data.this.id\n}\n";
        code
    }
}
