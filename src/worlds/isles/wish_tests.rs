//! What who wishes something of the isles may rely on.

use std::collections::{HashMap, HashSet};

use super::land::{NEIGHBOURS, Tile};
use super::*;
use crate::clips::{Clip, ClipPlan, record};
use crate::worlds::policy::{Explorer, Policy};
use crate::worlds::random::Rng;
use crate::worlds::scene::{Light, Weather};

fn frame(world: &Isles) -> Vec<u8> {
    let mut rgb = vec![0; WIDTH_PX * HEIGHT_PX * 3];
    world.render(&mut rgb);
    rgb
}

fn started(seed: u64, wish: Wish) -> Isles {
    let mut world = Isles::new();
    world.reset_under(seed, &wish);
    world
}

fn under(light: Light, style: Style) -> Wish {
    Wish { light: Some(light), weather: Some(Weather::Clear), style: Some(style), ..Wish::default() }
}

fn rms(a: &[u8], b: &[u8]) -> f64 {
    let squares: u64 = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum();
    (squares as f64 / a.len() as f64).sqrt()
}

/// How many of 20 starts satisfy `good`.
fn of_20(wish: &Wish, good: impl Fn(&Scene) -> bool) -> usize {
    (0..20).filter(|&seed| good(&started(seed, wish.clone()).scene())).count()
}

#[test]
fn a_world_starts_as_wished() {
    for &biome in Biome::ALL {
        let wish = Wish { biome: Some(biome), ..Wish::default() };
        let there = of_20(&wish, |scene| scene.biomes.contains(&biome));
        assert!(there >= 18, "{biome:?}: {there} of 20");
        // The control: by itself the world starts anywhere.
        assert!(of_20(&Wish::default(), |scene| scene.biomes.contains(&biome)) < 12);
    }
    for seed in 0..40 {
        let wish = Wish::drawn(seed);
        let scene = started(seed, wish.clone()).scene();
        let as_wished = [
            wish.light.is_none_or(|v| v == scene.light),
            wish.weather.is_none_or(|v| v == scene.weather),
            wish.season.unwrap_or(Season::Summer) == scene.season,
            wish.style.unwrap_or(Style::Plain) == scene.style,
        ];
        assert_eq!(as_wished, [true; 4], "{wish:?} started as {scene:?}");
    }
}

#[test]
fn wished_features_are_in_view_from_the_start() {
    for &feature in Feature::ALL {
        let wish = Wish { features: vec![feature], ..Wish::default() };
        let shore = |seen: &Feature| (feature, *seen) == (Feature::Lake, Feature::Shore);
        let seen = of_20(&wish, |scene| scene.features.iter().any(|seen| *seen == feature || shore(seen)));
        assert!(seen >= 15, "{feature:?}: {seen} of 20");
    }
    assert_eq!(of_20(&Wish::default(), |scene| scene.features.contains(&Feature::Village)), 0);
}

#[test]
fn what_is_in_the_way_is_told_and_stops_who_walks_on() {
    for &feature in Feature::ALL {
        let mut met = HashSet::new();
        for seed in 0..20 {
            let mut world = started(seed, Wish { features: vec![feature], ..Wish::default() });
            let (mut policy, mut last) = (Explorer::new(seed), StepOutcome::default());
            for _ in 0..60 {
                met.extend((0..ACTIONS.len()).filter_map(|action| world.in_the_way(action)));
                let action = policy.next(last);
                let in_the_way = world.in_the_way(action);
                last = world.step(action);
                assert_eq!(in_the_way.is_some(), last.blocked, "seed {seed}: {in_the_way:?}");
            }
        }
        let wished = match feature {
            // Nobody bumps into flowers.
            Feature::Flowers => None,
            // Whether water is a shore shows in what is around.
            Feature::Shore => Some(Feature::Lake),
            feature => Some(feature),
        };
        assert!(wished.is_none_or(|wished| met.contains(&wished)), "{feature:?}: {met:?}");
        assert!(!met.contains(&Feature::Flowers) && !met.contains(&Feature::Shore), "{feature:?}: {met:?}");
        // The control: houses stand where they are wished for.
        assert_eq!(met.contains(&Feature::Village), feature == Feature::Village);
    }
}

#[test]
fn light_weather_and_style_follow_at_once() {
    let wishes = [under(Light::Night, Style::Plain), under(Light::Day, Style::Neon), under(Light::Dusk, Style::Handheld)];
    for wish in wishes {
        let mut world = started(4, under(Light::Day, Style::Plain));
        world.step(0);
        let before = frame(&world);
        world.step(0);
        assert!(frame(&world) == before, "nothing was wished, nothing may change");
        world.wish(&wish);
        world.step(0);
        let (after, scene) = (frame(&world), world.scene());
        assert_eq!((scene.light, scene.style), (wish.light.unwrap(), wish.style.unwrap()));
        assert!(rms(&before, &after) > 20.0);
        for _ in 0..1300 {
            world.step(0);
            assert_eq!((world.scene().light, world.scene().weather), (wish.light.unwrap(), Weather::Clear), "a wish holds");
        }
        assert!(frame(&world) == after);
        // Taken back, light and weather pass again; the style stays.
        world.wish(&Wish::default());
        let mut skies = HashSet::new();
        for _ in 0..1300 {
            world.step(0);
            skies.insert((world.scene().light, world.scene().weather));
        }
        assert!(skies.len() >= 4 && world.scene().style == wish.style.unwrap());
    }
}

/// A drawn wish, every other time for a village.
fn next_wish(rng: &mut Rng) -> Wish {
    let mut wish = Wish::drawn(rng.next());
    if rng.percent(50) {
        wish.features = vec![Feature::Village];
    }
    wish
}

/// Walks with a new wish every few steps. A tile seen again is as it was, unless something was wished since: then ground is still ground
/// and what stood there is still in the way, liquids apart. Returns the world, the tiles seen again and those of them that had turned.
fn walk_with_wishes(seed: u64, steps: usize, mut each: impl FnMut(&mut Isles, bool)) -> (Isles, [usize; 2]) {
    let mut world = started(seed, Wish::drawn(seed));
    let (mut policy, mut rng) = (Explorer::new(seed), Rng::new(seed));
    let mut known: HashMap<(i64, i64), (Tile, usize)> = HashMap::new();
    let (mut last, mut flood, mut seen_again) = (StepOutcome::default(), 0, [0; 2]);
    for step in 0..steps {
        let wishes = (step + 1) / 17;
        if step % 17 == 16 {
            let wish = next_wish(&mut rng);
            world.wish(&wish);
            flood = if wish.biome == Some(Biome::Water) { wishes } else { flood };
            assert!(!world.land.tile(world.x, world.y).solid(), "seed {seed}, step {step}: {wish:?} caught the figure");
        }
        last = world.step(policy.next(last));
        let [xs, ys] = world.tiles_in_view();
        for at in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
            let tile = world.land.tile(at.0, at.1);
            let Some((before, then)) = known.insert(at, (tile, wishes)) else { continue };
            if then == wishes {
                assert_eq!(before, tile, "seed {seed}, step {step}: {at:?} turned by itself");
            } else if flood <= then && !matches!(before, Tile::Liquid(..)) {
                assert_eq!(before.solid(), tile.solid(), "seed {seed}, step {step}: {at:?} was {before:?} and is {tile:?}");
            }
            seen_again[0] += usize::from(last.moved);
            seen_again[1] += usize::from(before != tile);
        }
        each(&mut world, last.moved);
    }
    (world, seen_again)
}

#[test]
fn what_was_seen_keeps_its_shape_whatever_is_wished() {
    let (mut seen_again, mut turned, mut would_differ) = (0, 0, 0);
    for seed in 0..8 {
        let (mut world, [n, m]) = walk_with_wishes(seed, 600, |_, _| {});
        seen_again += n;
        turned += m;
        // The control: the same place, all under the wish that holds now, is another.
        let before = world.solid.clone();
        let mut rng = Rng::new(seed);
        let wish = (0..600 / 17).map(|_| next_wish(&mut rng)).last().unwrap();
        world.land = Land::new(seed, (&wish).into());
        world.look_around();
        would_differ += usize::from(world.solid != before);
    }
    assert!(seen_again > 50_000 && turned > 3000, "{seen_again} tiles were seen again, {turned} had turned");
    assert!(would_differ >= 4, "{would_differ} of 8");
}

#[test]
fn the_land_in_view_turns_into_the_wished_one_at_once() {
    let share = |world: &mut Isles, is: &dyn Fn(Biome) -> bool| {
        let [xs, ys] = world.tiles_in_view();
        let tiles: Vec<Biome> = ys.flat_map(|y| xs.clone().map(move |x| (x, y))).map(|(x, y)| world.land.tile(x, y).biome()).collect();
        tiles.iter().filter(|&&biome| is(biome)).count() as f64 / tiles.len() as f64
    };
    for &from in Biome::ALL {
        for &to in Biome::ALL {
            // The dry ground of the sea is beach.
            let wished = |biome: Biome| biome == to || (to == Biome::Water && biome == Biome::Beach);
            let (mut before, mut after, mut sea) = (0.0, 0.0, 0.0);
            for seed in 0..8 {
                let mut world = started(seed, Wish { biome: Some(from), ..Wish::default() });
                before += share(&mut world, &wished) / 8.0;
                world.wish(&Wish { biome: Some(to), ..Wish::default() });
                after += share(&mut world, &wished) / 8.0;
                sea += share(&mut world, &|biome| biome == Biome::Water) / 8.0;
                assert!(!world.land.tile(world.x, world.y).solid(), "{from:?} to {to:?}: the figure is caught");
            }
            assert!(after > if to == Biome::Beach { 0.7 } else { 0.9 }, "{from:?} to {to:?}: {after:.2} of the view");
            assert!(to != Biome::Water || sea > 0.4, "{from:?} to {to:?}: {sea:.2} of the view is water");
            // The control: before it was wished it was another land, but for the sea's beaches.
            assert!(from == to || [from, to] == [Biome::Water, Biome::Beach] || [from, to] == [Biome::Beach, Biome::Water] || before < 0.2);
        }
    }
}

#[test]
fn what_stands_in_the_way_turns_into_what_is_wished() {
    let (mut ruins, mut before) = (0, 0);
    for seed in 0..20 {
        let mut world = started(seed, Wish { biome: Some(Biome::Forest), ..Wish::default() });
        let solid = world.solid.clone();
        before += usize::from(world.scene().features.first() == Some(&Feature::Ruins));
        world.wish(&Wish { features: vec![Feature::Ruins], ..Wish::default() });
        assert!(world.solid == solid);
        ruins += usize::from(world.scene().features.first() == Some(&Feature::Ruins));
    }
    assert!(ruins >= 12 && before <= 3, "ruins stand out in {ruins} of 20, {before} before");
}

#[test]
fn shores_and_houses_are_whole_where_wishes_meet() {
    let (mut liquids, mut houses) = (0, 0);
    for seed in 20..32 {
        walk_with_wishes(seed, 250, |world, moved| {
            if !moved {
                return;
            }
            let [xs, ys] = world.tiles_in_view();
            for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
                match world.land.tile(x, y) {
                    Tile::Liquid(liquid, _, mask) => {
                        liquids += 1;
                        for (i, (dx, dy)) in NEIGHBOURS.iter().enumerate() {
                            match world.land.tile(x + dx, y + dy) {
                                Tile::Liquid(other, ..) if other != liquid => {}
                                Tile::Liquid(..) => assert_eq!(mask >> i & 1, 0),
                                _ => assert_eq!(mask >> i & 1, 1),
                            }
                        }
                    }
                    Tile::Built(_, built) => {
                        let Some(house) = village::footprint(built, x, y) else { continue };
                        houses += 1;
                        let parts: Vec<u8> = house
                            .map(|(x, y)| match world.land.tile(x, y) {
                                Tile::Built(_, part) => part,
                                other => panic!("{other:?} where a part of a house belongs"),
                            })
                            .collect();
                        assert!(parts.windows(2).all(|pair| pair[1] == pair[0] + 1), "{parts:?}");
                    }
                    _ => {}
                }
            }
        });
    }
    assert!(liquids > 5000 && houses > 1000, "{liquids} tiles of liquid, {houses} of houses were looked at");
}

#[test]
fn the_same_plan_gives_the_same_clip_and_its_wishes_are_followed() {
    let clip = |seed: u64, wishes: bool| -> Clip {
        record(
            &mut Isles::new(),
            &mut Explorer::new(seed),
            ClipPlan { seed, frames: 200, wishes: wishes.then_some((20, 60)), ..ClipPlan::default() },
        )
    };
    let wished = clip(3, true);
    assert_eq!(wished, clip(3, true));
    let plain = clip(3, false);
    assert_ne!(wished.frames, plain.frames);
    assert!(plain.scenes.iter().flatten().all(|scene| (scene.style, scene.season) == (Style::Plain, Season::Summer)));
    // Wishes and wordings change inside clips, every 40 frames on average; where one walks changes nothing that is said.
    let (mut changes, mut styles) = (0, HashSet::new());
    for seed in 0..20 {
        let clip = clip(seed, true);
        changes += clip.prompts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        styles.extend(clip.scenes.iter().flatten().map(|scene| scene.style));
    }
    assert!((60..140).contains(&changes), "{changes} changes of prompts in 4000 frames");
    assert_eq!(styles.len(), Style::ALL.len());
    // A sky that holds does so under wishes.
    for seed in 0..10 {
        let plan = ClipPlan { seed, frames: 200, hold_ambience: true, wishes: Some((20, 60)), ..ClipPlan::default() };
        let clip = record(&mut Isles::new(), &mut Explorer::new(seed), plan);
        let skies = clip.scenes.iter().flatten().map(|s| (s.light, s.weather, s.season, s.style));
        assert_eq!(skies.collect::<HashSet<_>>().len(), 1);
    }
}

#[test]
fn a_walk_shows_the_same_land_under_every_look_and_every_walk_the_same_look() {
    let clip = |seed: u64, look: u64| -> Clip {
        let plan = ClipPlan { seed, frames: 40, wishes: Some((3, 8)), look: Some(look), ..ClipPlan::default() };
        record(&mut Isles::new(), &mut Explorer::new(seed), plan)
    };
    let land = |clip: &Clip| clip.scenes.iter().flatten().map(|s| (s.biomes.clone(), s.features.clone())).collect::<Vec<_>>();
    let looks = |clip: &Clip| clip.scenes.iter().flatten().map(|s| (s.light, s.weather, s.season, s.style)).collect::<HashSet<_>>();
    let (mut all, mut lands) = (HashSet::new(), HashSet::new());
    for seed in 0..10 {
        let (one, other, elsewhere) = (clip(seed, seed), clip(seed, seed + 1), clip(seed + 10, seed));
        assert_eq!((land(&one), &one.outcomes), (land(&other), &other.outcomes));
        assert_ne!(one.frames, other.frames);
        assert_eq!(looks(&one), looks(&elsewhere));
        assert_eq!(looks(&one).len(), 1, "it stays what it is");
        // The controls: looks differ, and so do walks.
        all.extend(looks(&one));
        lands.insert(land(&one));
        assert_ne!(land(&one), land(&elsewhere));
    }
    assert!(all.len() > 7 && lands.len() == 10);
}

#[test]
fn a_clone_follows_wishes_as_the_original() {
    let mut world = started(6, Wish::drawn(6));
    (0..30).for_each(|i| _ = world.step(i % 5));
    let mut twin = world.clone();
    for i in 0..200 {
        if i % 25 == 0 {
            world.wish(&Wish::drawn(i));
            twin.wish(&Wish::drawn(i));
        }
        let action = (i * 7 / 5 % 5) as usize;
        assert_eq!(world.step(action), twin.step(action));
        assert!(frame(&world) == frame(&twin));
    }
}

#[test]
fn styles_and_lights_are_told_apart_at_a_glance() {
    for seed in 0..7 {
        let biome = Some(LANDS[seed as usize]);
        let mut looks = Vec::new();
        for &style in Style::ALL {
            for &light in Light::ALL {
                looks.push(((style, light), frame(&started(seed, Wish { biome, ..under(light, style) }))));
            }
        }
        let fog = Wish { biome, weather: Some(Weather::Fog), ..under(Light::Day, Style::Plain) };
        looks.push(((Style::Plain, Light::Day), frame(&started(seed, fog))));
        for (i, (a, frame_a)) in looks.iter().enumerate() {
            assert_eq!(rms(frame_a, frame_a), 0.0);
            for (b, frame_b) in &looks[..i] {
                let least = if a.0 == b.0 { 7.0 } else { 14.0 };
                let apart = rms(frame_a, frame_b);
                assert!(apart > least, "{:?}: {a:?} and {b:?} are only {apart:.1} apart", LANDS[seed as usize]);
            }
        }
    }
}

#[test]
fn styles_keep_to_their_few_colours_and_show_every_ground() {
    let colours = |world: &Isles| frame(world).chunks_exact(3).map(<[u8]>::to_vec).collect::<HashSet<_>>();
    for &light in Light::ALL {
        let count = |style: Style, biome: Biome| colours(&started(2, Wish { biome: Some(biome), ..under(light, style) })).len();
        assert!(count(Style::Handheld, Biome::Forest) <= 4);
        assert!(count(Style::Noir, Biome::Forest) <= 5 + 3);
        assert!(count(Style::Sepia, Biome::Forest) <= 6 && count(Style::Poster, Biome::Forest) <= 5);
        // The control: the plain style has many.
        assert!(count(Style::Plain, Biome::Forest) > 12);
    }
    let atlas = atlas();
    for &style in Style::ALL {
        for &light in Light::ALL {
            let look = Look { light: sky::LightLook::Settled(light), weather: Weather::Clear, season: Season::Summer, style };
            let palette = atlas.colours.palette(look);
            for land in LANDS {
                for kind in 0..2 {
                    let quads = atlas.quads(Tile::Ground(land, kind));
                    let shades: Vec<[u8; 3]> =
                        quads.iter().flat_map(|&quad| atlas.indices(quad)).map(|&i| palette.land[usize::from(i)]).collect();
                    let mean: [f64; 3] = std::array::from_fn(|c| shades.iter().map(|s| f64::from(s[c])).sum::<f64>() / shades.len() as f64);
                    let variance = shades.iter().map(|s| (0..3).map(|c| (f64::from(s[c]) - mean[c]).powi(2)).sum::<f64>()).sum::<f64>();
                    let contrast = (variance / shades.len() as f64 / 3.0).sqrt();
                    assert!(contrast > 4.0, "{style:?} {light:?} {land:?}: texture of {contrast:.1}");
                }
            }
        }
    }
}

#[test]
fn seasons_show_where_a_scene_says_so() {
    for &biome in &LANDS {
        for &style in Style::ALL {
            let seasons = Season::ALL.iter().map(|&season| {
                let world = started(5, Wish { biome: Some(biome), season: Some(season), ..under(Light::Day, style) });
                (frame(&world), world.scene().shows_season())
            });
            let seasons: Vec<_> = seasons.collect();
            let summer = &seasons[Season::Summer as usize].0;
            for (frame, shows) in &seasons[2..] {
                assert!(!shows || rms(frame, summer) > 8.0, "{biome:?} {style:?}: {:.1}", rms(frame, summer));
            }
            assert!(style == Style::Plain || seasons.iter().all(|(frame, _)| frame == summer), "{style:?} must hide seasons");
        }
    }
}

#[test]
fn windows_are_lit_in_the_dark() {
    let lit = |light: Light| {
        (0..6)
            .map(|seed| {
                let wish = Wish { biome: Some(Biome::Meadow), features: vec![Feature::Village], ..under(light, Style::Plain) };
                frame(&started(seed, wish)).chunks_exact(3).filter(|p| p[0] > 200 && p[1] > 160 && p[2] < 110).count()
            })
            .sum::<usize>()
    };
    let (day, night) = (lit(Light::Day), lit(Light::Night));
    assert!(night > 200 && night > 3 * day.min(60), "{night} bright pixels at night, {day} by day");
}
