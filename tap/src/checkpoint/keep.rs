//! Shards hand over what they remember, and one thread writes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use conntrack::{Saved, Shard, Sink};
use crossbeam_channel::{Receiver, Sender, bounded};
use recorder::{Carried, CheckpointPlace, CheckpointWriter, Chunk, RecorderError};
use wire::Nanos;

use crate::anonymise::Anonymiser;
use crate::anonymise::prefix::PrefixCipher;

/// Chunks that may wait for the disk: 4 MiB.
const CHUNKS: usize = 8;

/// What connects the shards with their keeper. `asked` says, when the shards end, whether anything is to be kept.
#[must_use]
pub fn keep(
    place: CheckpointPlace,
    layout: String,
    asked: Arc<AtomicBool>,
    mask: Option<PrefixCipher>,
) -> (Saver, Keeper) {
    let (chunks, received) = bounded(CHUNKS);
    let (working, done) = bounded(0);
    let fate = Arc::new(Fate::default());
    let keeper = Keeper { place, layout, chunks: received, fate: Arc::clone(&fate), _working: working };
    (Saver { asked, mask, chunks, done, fate }, keeper)
}

/// A shard's way to its keeper.
#[derive(Clone)]
pub struct Saver {
    asked: Arc<AtomicBool>,
    mask: Option<PrefixCipher>,
    chunks: Sender<Chunk>,
    /// Disconnected when the keeper is done.
    done: Receiver<()>,
    fate: Arc<Fate>,
}

/// What becomes of a checkpoint.
#[derive(Default)]
struct Fate {
    /// It lacks a part that could not be handed over.
    is_broken: AtomicBool,
    /// It is safe on the disk.
    is_kept: AtomicBool,
}

impl Saver {
    /// Has everything kept that the shard remembers at `clock`, where that was asked for, and waits until it is. `sink` takes what is due
    /// until then. False where nothing was kept: the shard is to end by itself.
    pub fn save(self, shard: &mut Shard, clock: Nanos, sink: &mut impl Sink) -> bool {
        if !self.asked.load(Ordering::Relaxed) {
            return false;
        }
        let mut chunk = Chunk::new(clock);
        let mut is_whole = true;
        shard.save(clock, sink, &mut |saved| {
            is_whole &= self.add(&mut chunk, &saved);
            if chunk.is_full() {
                is_whole &= self.send(std::mem::replace(&mut chunk, Chunk::new(clock)));
            }
        });
        is_whole &= self.send(chunk);
        let Self { chunks, done, fate, .. } = self;
        if !is_whole {
            fate.is_broken.store(true, Ordering::Release);
        }
        drop(chunks);
        // It never sends anything: it disconnects.
        let _ = done.recv();
        fate.is_kept.load(Ordering::Acquire)
    }

    fn add(&self, chunk: &mut Chunk, saved: &Saved<'_>) -> bool {
        let mut row = saved.row;
        if let (Some(cipher), Some(row)) = (&self.mask, &mut row) {
            Anonymiser::new(cipher.clone()).record(row);
        }
        chunk.add(row.as_ref(), saved.undecided, saved).is_ok()
    }

    fn send(&self, mut chunk: Chunk) -> bool {
        if let Some(cipher) = &self.mask {
            let Ok(nonce) = getrandom::u64() else { return false };
            cipher.states().encipher(nonce, &mut chunk.states);
        }
        self.chunks.send(chunk).is_ok()
    }
}

/// The worker that writes a checkpoint.
pub struct Keeper {
    place: CheckpointPlace,
    layout: String,
    chunks: Receiver<Chunk>,
    fate: Arc<Fate>,
    /// Dropped when it is done, in whatever way.
    _working: Sender<()>,
}

impl Keeper {
    /// Writes what comes until every shard has ended. Says what was kept; nothing where nothing was to be.
    ///
    /// # Errors
    /// When it could not be kept. The shards know, and their connections leave their rows.
    pub fn run(self) -> Result<Option<Carried>, RecorderError> {
        let kept = self.write();
        // Nobody is to wait who could not hand over the rest.
        self.chunks.iter().for_each(drop);
        self.fate.is_kept.store(matches!(kept, Ok(Some(_))), Ordering::Release);
        kept
    }

    fn write(&self) -> Result<Option<Carried>, RecorderError> {
        let mut writer: Option<CheckpointWriter> = None;
        for chunk in &self.chunks {
            let writer = match &mut writer {
                Some(writer) => writer,
                none => none.insert(self.place.begin(&self.layout)?),
            };
            writer.add(&chunk)?;
        }
        if self.fate.is_broken.load(Ordering::Acquire) {
            return Err(RecorderError::BadBlock);
        }
        writer.map(CheckpointWriter::commit).transpose()
    }
}
