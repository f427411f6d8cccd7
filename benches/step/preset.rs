//! The sizes that are measured, the same as in `torch_baseline.py`, and batches of them.

use nano4m::architecture::Config;
use nano4m::batch::Batch;
use nano4m::manifest::schema::{Masking, Model};
use nano4m::masking::Masks;
use nano4m::modality::Modality;
use nano4m::rng::{stream, Purpose, Stream};
use rand::Rng;

#[derive(Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    vocab: [usize; 5],
    length: [usize; 5],
    dim: usize,
    depth: usize,
    head_dim: usize,
    /// Samples of a step, where nothing else is asked for.
    pub batch: usize,
    pub steps: usize,
}

pub const PRESETS: [Preset; 2] = [
    Preset {
        name: "small",
        vocab: [1024, 2048, 256, 256, 512],
        length: [196, 512, 196, 196, 16],
        dim: 128,
        depth: 3,
        head_dim: 32,
        batch: 32,
        steps: 10,
    },
    // The published model.
    Preset {
        name: "full",
        vocab: [16384, 2048, 8192, 8192, 50304],
        length: [196, 512, 196, 196, 64],
        dim: 512,
        depth: 6,
        head_dim: 64,
        batch: 4,
        steps: 4,
    },
];

/// Steps of the published run, and the batch of each.
const PUBLISHED: (f64, usize) = (18_311.0, 64);

impl Preset {
    /// The same model with other steps.
    pub fn with(self, batch: usize, steps: usize) -> Preset {
        Preset { batch, steps, ..self }
    }

    pub fn config(&self) -> Config {
        let modality = |(i, (vocab, length)): (usize, (&usize, &usize))| -> Modality {
            ron::from_str(&format!("(name: \"m{i}\", length: {length}, vocab: {vocab})"))
                .expect("a valid modality")
        };
        let modalities: Vec<Modality> =
            self.vocab.iter().zip(&self.length).enumerate().map(modality).collect();
        let (dim, head_dim) = (self.dim, self.head_dim);
        let model = Model { dim, enc_depth: self.depth, dec_depth: self.depth, head_dim, ..Model::default() };
        Config::new(&modalities, &model)
    }

    /// Batch number `step`: random tokens under the published masking, nothing padded.
    pub fn draw(&self, config: &Config, step: usize) -> Batch {
        let masks = Masks::new(&config.modalities, &Masking::default()).expect("no direction to look up");
        let mut s = stream(0, Purpose::Simulation, &[step as u64]);
        let mut batch = Batch::default();
        for _ in 0..self.batch {
            let mask = masks.draw(&mut s);
            let ids = |m: &Modality, s: &mut Stream| -> Vec<u32> {
                (0..m.length).map(|_| s.gen_range(0..m.vocab as u32)).collect()
            };
            let tokens: Vec<Vec<u32>> = config.modalities.iter().map(|m| ids(m, &mut s)).collect();
            batch.push(&tokens.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mask);
        }
        batch
    }

    /// Minutes of the published run's steps at so many seconds a step; none for another size.
    pub fn published_minutes(&self, seconds: f64) -> Option<f64> {
        let (steps, batch) = PUBLISHED;
        (self.name == "full" && self.batch == batch).then_some(steps * seconds / 60.0)
    }
}
