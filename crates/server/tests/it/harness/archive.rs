//! Archives of configurations.

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// An archive of these files.
pub(crate) fn archive(files: &[(&str, &str)]) -> Bytes {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    Bytes::from(tar.into_inner().unwrap().finish().unwrap())
}

/// An archive with a file that would land outside its folder.
pub(crate) fn hostile_archive() -> Bytes {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    let name = b"../../outside.tf";
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_size(1);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, &b"x"[..]).unwrap();
    Bytes::from(tar.into_inner().unwrap().finish().unwrap())
}
