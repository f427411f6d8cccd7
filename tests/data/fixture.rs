//! A small dataset in the published layout, written to a temporary folder and then damaged.

use nano4m::data::Dataset;
use nano4m::fault::{Fault, Result};
use nano4m::manifest::schema::Data;
use nano4m::modality::{Modality, Strategy, Text};
use std::fs;
use std::path::{Path, PathBuf};

pub fn modality(name: &str, length: usize, vocab: usize, text: Option<Text>) -> Modality {
    Modality { name: name.into(), length, vocab, codebooks: 1, grid: None, text, masking: Strategy::Random }
}

/// The modalities of the embedded dataset.
pub fn stamps_modalities() -> Vec<Modality> {
    vec![
        modality("tok_rgb@196", 196, 1024, None),
        modality("tok_audio@512", 512, 2048, None),
        modality("tok_depth@196", 196, 256, None),
        modality("tok_normal@196", 196, 256, None),
        modality("scene_desc", 32, 512, Some(Text::Words)),
    ]
}

/// Two token modalities and captions; 4, 2 and 2 clips of two rows.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub data: Data,
    pub modalities: Vec<Modality>,
}

pub const SPLITS: [(&str, [&str; 4]); 3] = [
    ("train", ["as_aa_000001", "as_aa_000002", "vgg_b_000003", "s4"]),
    ("val", ["as_cc_000005", "s6", "", ""]),
    ("test", ["vgg_aa_000007", "s8", "", ""]),
];

impl Fixture {
    pub fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let modalities = vec![
            modality("tok_a@3", 3, 100, None),
            modality("tok_b@2", 2, 50, None),
            modality("scene_desc", 8, 20, Some(Text::Words)),
        ];
        let data = Data { path: Some(folder.path().join("d").display().to_string()), ..Data::default() };
        let fixture = Fixture { folder, data, modalities };
        for (number, (split, stem)) in clips().enumerate() {
            let values = |n: usize| (0..n).map(|i| (number * 5 + i) as i64 % 50).collect::<Vec<_>>();
            fixture.write(&format!("{split}/tok_a@3/{stem}.npy"), &npy("<i4", &[2, 3], &values(6)));
            fixture.write(&format!("{split}/tok_b@2/{stem}.npy"), &npy("<i2", &[2, 2], &values(4)));
            let class = ["cat meowing", "dog barking"][number % 2];
            let text = format!("[\"{class}\", \"a {class}\"]");
            fixture.write(&format!("{split}/scene_desc/{stem}.json"), text.as_bytes());
        }
        fixture
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("d")
    }

    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, path: &str) {
        let path = self.root().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    pub fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub fn open(&self) -> Result<Dataset> {
        Dataset::open(&self.data, &self.modalities, Path::new("/nowhere"), &self.cache())
    }

    pub fn fault(&self) -> Fault {
        self.open().err().expect("the dataset must be refused")
    }

    /// Packs the folder with `root` in front of every path; returns the archive's path.
    pub fn pack(&self, name: &str, root: &str) -> PathBuf {
        let mut tar = tar::Builder::new(Vec::new());
        tar.append_dir_all(root, self.root()).unwrap();
        let bytes = tar.into_inner().unwrap();
        let bytes = match name.rsplit('.').next().unwrap() {
            "zst" => zstd::encode_all(&bytes[..], 1).unwrap(),
            "gz" => {
                let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                std::io::Write::write_all(&mut gz, &bytes).unwrap();
                gz.finish().unwrap()
            }
            _ => bytes,
        };
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

pub fn clips() -> impl Iterator<Item = (&'static str, &'static str)> {
    SPLITS.iter().flat_map(|(split, stems)| stems.iter().filter(|s| !s.is_empty()).map(move |s| (*split, *s)))
}

/// An npy file as numpy writes it.
pub fn npy(descr: &str, shape: &[usize], values: &[i64]) -> Vec<u8> {
    let dims: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}");
    text.push_str(&" ".repeat(64 - (text.len() + 11) % 64));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    let size: usize = descr[2..].parse().unwrap();
    values.iter().for_each(|v| bytes.extend(&v.to_le_bytes()[..size]));
    bytes
}

/// A tar archive written by hand, block by block.
#[derive(Default)]
pub struct Tar(pub Vec<u8>);

impl Tar {
    /// A header that says `size`, of any name and kind.
    pub fn header(&mut self, name: &[u8], kind: u8, size: u64) -> &mut Tar {
        let mut block = [0u8; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(b"0000644\0");
        block[124] = 0x80;
        block[128..136].copy_from_slice(&size.to_be_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        block[263..265].copy_from_slice(b"00");
        self.block(block)
    }

    /// A block that becomes a header by its checksum.
    pub fn block(&mut self, mut block: [u8; 512]) -> &mut Tar {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(block);
        self
    }

    pub fn data(&mut self, bytes: &[u8]) -> &mut Tar {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(&mut self, name: &[u8], bytes: &[u8]) -> &mut Tar {
        self.header(name, b'0', bytes.len() as u64).data(bytes)
    }

    /// Every file of the fixture under `root`, but those that `skip` says.
    pub fn fixture(&mut self, f: &Fixture, root: &str, skip: impl Fn(&str) -> bool) -> &mut Tar {
        for (split, stem) in clips() {
            for (folder, extension) in [("tok_a@3", "npy"), ("tok_b@2", "npy"), ("scene_desc", "json")] {
                let name = format!("{split}/{folder}/{stem}.{extension}");
                if !skip(&name) {
                    self.file(format!("{root}{name}").as_bytes(), &fs::read(f.root().join(&name)).unwrap());
                }
            }
        }
        self
    }

    /// The bytes with the two blocks of zeros that end them.
    pub fn end(&mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        std::mem::take(&mut self.0)
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, bytes).unwrap();
    gz.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

impl Fixture {
    /// The dataset is now this archive.
    pub fn archive(&mut self, bytes: &[u8]) {
        let path = self.folder.path().join("by-hand.tar");
        fs::write(&path, bytes).unwrap();
        self.data.path = Some(path.display().to_string());
    }
}
