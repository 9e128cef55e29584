// What changes from step to step: one 256-byte slot of a uniform buffer, chosen by a dynamic offset.

// One group of rows: the frame that is being dreamed, the same without its prompt, or the frame that is being committed.
struct Group {
    // Half of `tokens` and `prev` that the frame lies in.
    half: u32,
    // Row of the modulation tables: the action that led into the frame.
    action: u32,
    // Row of `dyn.level`.
    level: u32,
    // 1: every token counts as masked, whatever `tokens` holds.
    fresh: u32,
    // Ring slot that keys and values of the frame go to; NONE: they are not kept.
    store: u32,
    // Ring slot of the frame of age 1, and how many frames of the ring it sees.
    newest: u32,
    ages: u32,
    // Slot of the prompt's keys, and how many there are (the one of "nothing said" included).
    prompt: u32,
    words: u32,
    // Row of `dyn.told`.
    told: u32,
    pad0: u32,
    pad1: u32,
}

struct Frame {
    groups: array<Group, 3>,
    seed: u32,
    // Number of the frame that is being dreamed, and of the decoding step, from 1.
    frame: u32,
    step: u32,
    // 0: random, 1: confidence.
    order: u32,
    // Share of the uncertain tokens that stay masked behind this step.
    kept: f32,
    // 0: argmax.
    temperature: f32,
    // 1: levels are not drawn but taken from `tokens`, and logits are kept.
    forced: u32,
    // Guidance: how far logits go beyond those of group 1, which runs without the prompt; 0: there is no such group.
    guidance: f32,
    // Where the view goes if it moves, in steps.
    motion: vec2<i32>,
    // Whether it does: 0, 1 or BY_ODOMETER.
    moved: u32,
    // Adaptive decoding: log-probability from which on a token is settled at once; 0: none is.
    certain: f32,
    // 1: a preview, whose picture goes to `pixels` alone.
    aside: u32,
    // Levels less likely than this share of the likeliest are never drawn; 0: all may be.
    min_p: f32,
    // The same two for tokens that the map has nothing to offer for, and 1 where they are never certain.
    new_temperature: f32,
    new_min_p: f32,
    new_uncertain: u32,
    // 1: behind the last step what did not fit is drawn once more.
    mending: u32,
}

const NONE: u32 = 0xFFFFFFFFu;
const BY_ODOMETER: u32 = 2u;
// Levels that stand for "not given" and "to be predicted" in `tokens`.
const UNKNOWN: u32 = 255u;
const MASKED: u32 = 254u;

@group(0) @binding(0) var<uniform> frame: Frame;
