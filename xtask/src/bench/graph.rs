//! Graphs of roots to measure on: `terraform_data` and nothing else (or one provider that reads nothing from outside), so that what is
//! measured is the walk and not a cloud.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;

/// Roots in an order in which each comes after those it reads.
pub(super) struct Graph {
    /// As a row of the table says it.
    pub(super) name: String,
    roots: Vec<Root>,
    content: Content,
}

pub(super) struct Root {
    pub(super) name: String,
    /// Places of its upstreams in the graph.
    pub(super) reads: Vec<usize>,
}

/// What is in each root.
#[derive(Clone, Copy)]
enum Content {
    /// So many resources.
    Resources(usize),
    /// A resource, and a data source of the AWS provider that asks nobody.
    Aws,
}

/// Each root reads the one before it.
pub(super) fn chain(length: usize) -> Graph {
    let reads = (0..length).map(|at| at.checked_sub(1).into_iter().collect()).collect();
    Graph::of(format!("chain of {length}"), reads)
}

/// `width` upstreams, and as many downstreams that each read all of them.
pub(super) fn mesh(width: usize) -> Graph {
    let reads = (0..2 * width).map(|at| if at < width { Vec::new() } else { (0..width).collect() }).collect();
    Graph::of(format!("mesh {width}x{width}"), reads)
}

/// `depth` layers of `width` roots; each reads `fan` of the layer before it.
pub(super) fn layers(depth: usize, width: usize, fan: usize) -> Graph {
    let reads = (0..depth * width).map(|at| {
        let (layer, place) = (at / width, at % width);
        let before = |step| (layer - 1) * width + (place + step) % width;
        if layer == 0 { Vec::new() } else { (0..fan).map(before).collect() }
    });
    Graph::of(format!("layers {depth}x{width}, {fan} upstreams each"), reads.collect())
}

/// No root reads another.
pub(super) fn independent(count: usize) -> Graph {
    Graph::of(format!("{count} independent"), vec![Vec::new(); count])
}

/// One root with many resources.
pub(super) fn large(resources: usize) -> Graph {
    let mut graph = Graph::of(format!("{resources} resources in one workspace"), vec![Vec::new()]);
    graph.content = Content::Resources(resources);
    graph
}

/// A chain with the AWS provider in every root.
pub(super) fn aws(length: usize) -> Graph {
    let mut graph = chain(length);
    graph.content = Content::Aws;
    graph.name = format!("AWS provider, chain of {length}");
    graph
}

impl Graph {
    fn of(name: String, reads: Vec<Vec<usize>>) -> Self {
        let named = |(at, reads)| Root { name: format!("w{at:04}"), reads };
        Self { name, roots: reads.into_iter().enumerate().map(named).collect(), content: Content::Resources(1) }
    }

    /// How many workspaces it has.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// The roots, upstreams first.
    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// Writes a folder for each root.
    pub(super) fn write(&self, place: &Path) -> Result<()> {
        (0..self.len()).try_for_each(|at| self.write_root(place, at, "first"))
    }

    /// Writes one root; what it gives its downstreams depends on `seed`.
    pub(super) fn write_root(&self, place: &Path, at: usize, seed: &str) -> Result<()> {
        let folder = place.join(&self.roots[at].name);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("main.tf"), self.code(at, seed))?;
        Ok(())
    }

    /// A root and everything below it.
    pub(super) fn descendants(&self, of: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([of]);
        for (at, root) in self.roots.iter().enumerate() {
            if root.reads.iter().any(|read| found.contains(read)) {
                found.insert(at);
            }
        }
        found
    }

    fn code(&self, at: usize, seed: &str) -> String {
        let root = &self.roots[at];
        let mut code = String::new();
        if let Content::Aws = self.content {
            code += AWS;
        }
        let mut inputs = vec![format!("\"{} {seed}\"", root.name)];
        for upstream in root.reads.iter().map(|read| &self.roots[*read].name) {
            let _ = writeln!(
                code,
                "data \"terraform_remote_state\" \"{upstream}\" {{\n  backend = \"local\"\n  config = {{\n    \
                 path = \"../{upstream}/terraform.tfstate\"\n  }}\n}}\n"
            );
            inputs.push(format!("data.terraform_remote_state.{upstream}.outputs.digest"));
        }
        let (count, index) = match self.content {
            Content::Resources(count) if count > 1 => (format!("  count = {count}\n"), "[0]"),
            _ => (String::new(), ""),
        };
        // A digest, so that what a root gives depends on all above it and stays short.
        let _ = writeln!(
            code,
            "resource \"terraform_data\" \"this\" {{\n{count}  input = md5(join(\" \", [{}]))\n}}\n\n\
             output \"digest\" {{\n  value = terraform_data.this{index}.output\n}}",
            inputs.join(", ")
        );
        code
    }
}

const AWS: &str = r#"terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "nobody"
  secret_key                  = "nothing"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

data "aws_iam_policy_document" "this" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}

"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_comes_after_those_it_reads() {
        for graph in [chain(5), mesh(3), layers(4, 5, 2), layers(3, 3, 3), independent(4)] {
            for (at, root) in graph.roots().iter().enumerate() {
                assert!(root.reads.iter().all(|read| *read < at), "{}: {}", graph.name, root.name);
                assert_eq!(root.reads.iter().collect::<BTreeSet<_>>().len(), root.reads.len(), "{}", graph.name);
            }
        }
    }

    #[test]
    fn a_change_reaches_what_is_below_it_and_nothing_else() {
        assert_eq!(chain(5).descendants(2), BTreeSet::from([2, 3, 4]));
        assert_eq!(independent(5).descendants(2), BTreeSet::from([2]));
        // One in the layer, then as many more in each as a root has readers.
        assert_eq!(layers(4, 5, 2).descendants(5).len(), 1 + 2 + 3);
    }

    #[test]
    fn what_a_root_gives_depends_on_its_seed() {
        let graph = chain(2);
        assert_ne!(graph.code(0, "one"), graph.code(0, "other"));
        assert!(graph.code(1, "one").contains("terraform_remote_state.w0000.outputs.digest"));
    }
}
