//! Which clips, rows and masks a step sees: a pure function of the manifest and the step.
//!
//! The clips of epoch e are a permutation keyed by (seeds.data, e); the epochs follow each other
//! without end, and step i takes samples `i·B..(i+1)·B` of that sequence. A resumed run needs no
//! state but its step.

use crate::batch::Batch;
use crate::data::Split;
use crate::fault::Result;
use crate::manifest::schema::Experiment;
use crate::masking::Masks;
use crate::rng::{stream, Purpose};
use rand::seq::SliceRandom;
use rand::Rng;
use std::cell::RefCell;
use std::rc::Rc;

/// One sample of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    pub epoch: u64,
    /// Index into the training split.
    pub clip: usize,
    /// Which of the clip's K rows.
    pub row: usize,
}

/// Draws the batches of a run.
pub struct Sampler<'a> {
    experiment: &'a Experiment,
    split: &'a Split,
    masks: Masks,
    /// The epoch that was drawn from last, and its order: to make one takes as long as the dataset has clips.
    last: RefCell<(u64, Rc<[usize]>)>,
}

impl<'a> Sampler<'a> {
    /// Over the training split, which is not empty.
    ///
    /// # Errors
    /// As [`Masks::new`].
    pub fn new(experiment: &'a Experiment, split: &'a Split) -> Result<Sampler<'a>> {
        let masks = Masks::new(&experiment.modalities, &experiment.masking)?;
        let last = RefCell::new((u64::MAX, Rc::default()));
        Ok(Sampler { experiment, split, masks, last })
    }

    /// The samples of `step`, in their order in the batch.
    pub fn draw(&self, step: u64) -> Vec<Drawn> {
        let (size, clips) = (self.experiment.train.batch as u64, self.split.len() as u64);
        (step * size..(step + 1) * size)
            .map(|sample| {
                let epoch = sample / clips;
                let clip = self.order(epoch)[(sample % clips) as usize];
                Drawn { epoch, clip, row: self.row(epoch, clip) }
            })
            .collect()
    }

    /// The packed tokens of `step`.
    pub fn batch(&self, step: u64) -> Batch {
        let mut batch = Batch::default();
        for Drawn { epoch, clip, row } in self.draw(step) {
            let mask = self.masks.of_clip(self.experiment.seeds.masking, epoch, clip as u64);
            batch.push(&self.split.sample(clip, row), &mask);
        }
        batch
    }

    /// The clips of an epoch in their order.
    fn order(&self, epoch: u64) -> Rc<[usize]> {
        let mut last = self.last.borrow_mut();
        if last.0 != epoch {
            let mut order: Vec<usize> = (0..self.split.len()).collect();
            order.shuffle(&mut stream(self.experiment.seeds.data, Purpose::Order, &[epoch]));
            *last = (epoch, order.into());
        }
        last.1.clone()
    }

    fn row(&self, epoch: u64, clip: usize) -> usize {
        let mut stream = stream(self.experiment.seeds.data, Purpose::Row, &[epoch, clip as u64]);
        stream.gen_range(0..self.split.rows(clip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Part;
    use crate::train::toy;

    #[test]
    fn every_epoch_sees_every_clip_once_in_another_order() {
        let (experiment, data) = (toy::experiment(), toy::dataset());
        let split = data.split(Part::Train);
        let sampler = Sampler::new(&experiment, split).unwrap();
        let n = split.len();
        let steps = (2 * n / experiment.train.batch + 1) as u64;
        let samples: Vec<Drawn> = (0..steps).flat_map(|s| sampler.draw(s)).collect();
        let epoch = |e: usize| -> Vec<usize> { samples[e * n..(e + 1) * n].iter().map(|d| d.clip).collect() };
        for e in 0..2 {
            let mut seen = epoch(e);
            seen.sort_unstable();
            assert_eq!(seen, (0..n).collect::<Vec<_>>());
            assert!(samples[e * n..(e + 1) * n].iter().all(|d| d.epoch == e as u64));
        }
        assert_ne!(epoch(0), epoch(1));
        assert!(samples.iter().any(|d| d.row == 1) && samples.iter().all(|d| d.row < 2));
    }

    /// The cost of a step does not grow with the dataset.
    #[test]
    fn an_order_is_made_once_an_epoch() {
        let (experiment, data) = (toy::experiment(), toy::dataset());
        let sampler = Sampler::new(&experiment, data.split(Part::Train)).unwrap();
        sampler.batch(0);
        let order = sampler.order(0);
        sampler.batch(1);
        assert!(Rc::ptr_eq(&order, &sampler.order(0)));
        assert!(sampler.order(1) != order && sampler.order(0) == order);
    }

    #[test]
    fn a_step_does_not_depend_on_the_steps_before() {
        let (experiment, data) = (toy::experiment(), toy::dataset());
        let sampler = Sampler::new(&experiment, data.split(Part::Train)).unwrap();
        let later = sampler.batch(7);
        (0..7).for_each(|s| {
            sampler.batch(s);
        });
        assert_eq!(sampler.batch(7), later);
        assert_ne!(sampler.batch(6), later);
        assert_eq!(later.samples(), experiment.train.batch);
    }
}
