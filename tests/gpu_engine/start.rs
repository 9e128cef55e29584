//! What is decided when an engine is made: tier, tiles, kept pipelines, packs that do not fit, dispatches of a frame.

use super::{dreamed, gpu, pack, settings};
use somnium::engine::Engine;
use somnium::engine::gpu::{GpuEngine, plan::Plan, tier::Tier};
use somnium::pack::Pack;
use somnium::pack::random::{land_manifest, odd_manifest, plain_manifest, tiny_manifest};

/// A tier that computes wrongly gives way to the one below it, and the engine says so; where all do there is no engine.
#[test]
fn a_broken_tier_is_noticed_at_start() {
    let gpu = || gpu().at_most(Tier::F16);
    let tier = gpu().tier;
    let broken = |pack: &Pack, broken: &dyn Fn(Tier) -> bool| {
        GpuEngine::with_plans(gpu(), pack, |pack, tier, wide| {
            let mut plan = Plan::new(pack, tier, wide)?;
            // The second row of every tile goes without its products.
            let d = plan.dynamics.iter_mut().flat_map(|d| &mut d.step);
            for pass in d.chain(&mut plan.decode).filter(|pass| pass.kernel.stem == "matmul" && broken(tier)) {
                let source = pass.kernel.source.replace("s.row1 = add_products(s.row1, t.x1, t.gain, w0, w1, w2, w3);", "");
                assert_ne!(source, pass.kernel.source);
                pass.kernel.source = source;
            }
            Ok(plan)
        })
    };
    // A kernel that does not even compile.
    let p = pack(tiny_manifest());
    let engine = GpuEngine::with_plans(gpu(), &p, |pack, one, wide| {
        let mut plan = Plan::new(pack, one, wide)?;
        plan.decode.iter_mut().filter(|_| one == tier).for_each(|pass| pass.kernel.source += "no shader");
        Ok(plan)
    });
    let mut engine = engine.unwrap();
    assert!(engine.info().device.contains(&format!("(the {} does not run: ", tier.name())), "{}", engine.info().device);
    dreamed(&mut engine, 0, &settings(&p, 2));

    let mut tokenizer = odd_manifest();
    tokenizer.dynamics = None;
    for p in [pack(odd_manifest()), pack(tokenizer)] {
        let whole = broken(&p, &|_| false).unwrap();
        assert!(whole.info().device.ends_with(tier.name()), "{}", whole.info().device);
        let fallen = broken(&p, &|one| one == tier).unwrap();
        let below = tier.and_below().nth(1).unwrap();
        let said = format!(", {} (the {} computes wrongly: a ", below.name(), tier.name());
        assert!(fallen.info().device.contains(&said), "{}", fallen.info().device);
        assert_eq!(fallen.context().tier, below);
        let error = broken(&p, &|_| true).err().unwrap().to_string();
        assert!(error.starts_with("the graphics device computes wrongly: ") && error.contains("bare tier"), "{error}");
    }
}

/// So does one whose products are right and whose dreams are not.
#[test]
fn a_tier_that_dreams_wrongly_is_noticed_at_start() {
    let (plain, with_land) = (pack(odd_manifest()), pack(land_manifest()));
    for (stem, right, wrong) in [
        ("sample", "u32((leads_on && !held) || ", "u32(true || "),
        ("narrow", "= fitting(rows, count, most, word);", "= 1u;"),
        ("sample", "sum = (1.0 + frame.guidance) * sum - frame.guidance *", "sum = sum + 0.0 *"),
        ("sample", "return -ln(-ln(u));", "return 0.0;"),
        ("unmask", "let settled = mine.y == CERTAIN || ", "let settled = "),
        ("unmask", "select(0u, dispatches[of_groups + word], runs)", "0u"),
        ("embed", "value = value + settled_around(n, g.half, column);", ""),
        ("remember", "as_they_are.x * alone.x < as_they_are.y * alone.y", "as_they_are.x * alone.x > as_they_are.y * alone.y"),
    ] {
        let tier = gpu().tier;
        let p = if stem == "narrow" { &with_land } else { &plain };
        let engine = GpuEngine::with_plans(gpu(), p, |pack, one, wide| {
            let mut plan = Plan::new(pack, one, wide)?;
            let mut changed = false;
            for pass in plan.passes_mut().filter(|pass| pass.kernel.stem == stem && one == tier) {
                let source = pass.kernel.source.replace(right, wrong);
                changed |= source != pass.kernel.source;
                pass.kernel.source = source;
            }
            assert_eq!(changed, one == tier, "{stem}: no {right:?}");
            Ok(plan)
        });
        let engine = engine.unwrap();
        let said = format!("(the {} computes wrongly: a ", tier.name());
        assert!(engine.info().device.contains(&said), "{stem} with {wrong:?} instead of {right:?}: {}", engine.info().device);
        assert!(engine.info().device.contains("dream"), "{}", engine.info().device);
    }
}

/// What one start leaves is what the next takes, unless it is damaged; a dream is the same with and without.
#[test]
fn compiled_pipelines_are_kept_where_the_device_can() {
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("pipelines");
    let p = pack(tiny_manifest());
    let start = || {
        let gpu = gpu().with_cache(Some(folder.clone()));
        let found = gpu.pipelines.as_ref().map(|store| store.found_bytes());
        (found, dreamed(&mut GpuEngine::new(gpu, &p).unwrap(), 0, &settings(&p, 1)))
    };
    let first = start();
    if first.0.is_none() {
        assert!(!folder.exists(), "a device that keeps nothing leaves nothing");
        return;
    }
    let second = start();
    assert!(first.0 == Some(0) && second.0 > Some(0), "{:?} and then {:?} bytes found", first.0, second.0);
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    let third = start();
    assert_eq!(third.0, Some(0), "what is damaged is not used");
    assert!(start().0 > Some(0), "and is made anew");
    assert!(first.1 == second.1 && first.1 == third.1);
}

/// Tiles that were measured give the dream that the default ones give, and are kept; what is damaged is measured anew.
#[test]
fn tiles_are_chosen_once_and_change_no_dream() {
    let folder = tempfile::tempdir().unwrap();
    let p = pack(tiny_manifest());
    let start = |tunes: bool| {
        let mut gpu = gpu().with_cache(Some(folder.path().to_owned()));
        gpu.tunes = tunes;
        dreamed(&mut GpuEngine::new(gpu, &p).unwrap(), 0, &settings(&p, 1))
    };
    let kept = || -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
        let tiles = files.filter(|file| file.file_name().to_str().is_some_and(|name| name.starts_with("tiles-")));
        tiles.map(|file| (file.path(), file.metadata().unwrap().modified().unwrap())).collect()
    };
    let default = start(false);
    assert!(kept().is_empty(), "nothing is measured unasked");
    let tuned = start(true);
    let first = kept();
    assert!(first.len() == 1 && tuned == default, "{first:?}");
    assert!(start(true) == default && kept() == first, "what is known is not measured again");
    std::fs::write(&first[0].0, "damaged").unwrap();
    assert!(start(true) == default && kept() != first);
    assert!(std::fs::read(&first[0].0).unwrap() != b"damaged");
}

/// Packs that are valid but too large for a device are refused in one sentence that names what does not fit, before anything that large
/// is computed.
#[test]
fn a_pack_too_large_for_the_device_is_refused() {
    let mut large_table = odd_manifest();
    (large_table.frame.code_dims, large_table.frame.code_levels) = (16, 64);
    let d = large_table.dynamics.as_mut().unwrap();
    (d.actions, d.channels, d.vocabulary) = (63, 65, 0);
    let mut large_head = odd_manifest();
    large_head.frame.code_dims = 16;
    let d = large_head.dynamics.as_mut().unwrap();
    (d.head_hidden, d.vocabulary) = (255, 0);
    for (manifest, device_has, asked) in [
        (large_table, "bytes in one buffer", "160745472 in `dyn.prev.table`"),
        (large_head, "bytes in a workgroup", "17604 in `sample UNITS 4080 LAND 0 PATCHES 15`"),
    ] {
        let mut manifest = manifest;
        manifest.actions = (0..manifest.dynamics.as_ref().unwrap().actions).map(|_| manifest.actions[0].clone()).collect();
        let error = GpuEngine::new(gpu(), &pack(manifest)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.starts_with("pack for this graphics device: expected at most "), "{error}");
        assert!(error.contains(device_has) && error.ends_with(asked), "{error}");
    }
}

#[test]
fn four_blocks_in_two_steps_take_fewer_than_120_dispatches() {
    let p = pack(plain_manifest());
    let engine = GpuEngine::new(gpu(), &p).unwrap();
    assert!(engine.dispatches(2) < 120, "{}", engine.dispatches(2));
    assert!(engine.dispatches(3) > engine.dispatches(2));
    let (two, four) = (engine.roofline(2), engine.roofline(4));
    assert_eq!(two.dispatches, engine.dispatches(2));
    // Without a map nothing is recalled, read off or remembered.
    let mut manifest = plain_manifest();
    manifest.dynamics.as_mut().unwrap().recall = None;
    let without = GpuEngine::new(gpu(), &pack(manifest)).unwrap();
    assert_eq!(without.dispatches(2) + 4, engine.dispatches(2));
    // A look sets the decoder's gains in one more.
    let mut manifest = plain_manifest();
    manifest.frame.look = true;
    let lit = GpuEngine::new(gpu(), &pack(manifest)).unwrap();
    assert_eq!(lit.dispatches(2), engine.dispatches(2) + 1);
    // 2 steps of 63 rows through some 1.5 million weights, the commit and a decoder: between 0.3 and 3 GFLOP.
    assert!((300_000_000..3_000_000_000).contains(&two.ops), "{two:?}");
    assert!(four.ops > two.ops && four.bytes() > two.bytes());
    assert!(two.bound_ms(1000.0, 100.0) < two.bound_ms(10.0, 100.0));
}
