#!/usr/bin/env bash
# Makes the pictures of README.md anew (assets/readme), all but that of the window, by the shipped pack, on the processor. Needs ImageMagick.
#
# scripts/pictures.sh          all of them
# scripts/pictures.sh within   one: play, within, words or map
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
to=assets/readme
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
made=0

dream() { "${SOMNIUM:-./play}" dream --engine cpu "$@"; }

# part SEED PROMPTS ACTIONS OPTIONS...: a part of a film. Of PROMPTS, split by semicolons, the first begins it and each other one is said SECS after the one
# before; where there is none, OPTIONS name the picture it begins with.
part() {
    local said=()
    [ -z "$2" ] || said=(--prompt "${2%%;*}")
    if [[ $2 == *\;* ]]; then
        tr ';' '\n' <<<"${2#*;}" >"$parts/queue.txt"
        said+=(--prompt-queue "$parts/queue.txt" --every "${SECS:-1}")
    fi
    made=$((made + 1))
    dream --seed "$1" ${said[@]+"${said[@]}"} --actions "$3" --glide 3 --scale 2 --record "$(printf '%s/%03d.gif' "$parts" "$made")" "${@:4}"
}

# cut PICTURES: leaves so many of the part before.
cut() {
    local of
    of=$(printf '%s/%03d.gif' "$parts" "$made")
    convert "$of[0-$(($1 - 1))]" "$of"
}

# film NAME COLOURS: joins the parts made since the film before.
film() {
    convert "$parts"/[0-9]*.gif -coalesce +dither -colors "$2" -layers OptimizePlus "$to/$1.gif"
    rm "$parts"/[0-9]*.gif
}

play() {
    part 8 '' 'S*4 D*16 S*6' --image assets/start/meadow.png
    cut 80
    part 5 'a winter forest' 'D*6 W*4'
    cut 30
    part 6 'desert' 'D*6 W*4'
    cut 30
    part 7 'forest village' 'S*3 D*3 S*4'
    part 20 'a meadow with flowers by day;meadow flowers dusk;meadow flowers night;meadow flowers day neon;meadow flowers day full colour autumn;meadow flowers day noir' \
        'D*7 W*5 D*7 S*5 D*12'
    film play 160
}

within() {
    SECS=2 part 16 'meadow village by day clear;meadow village night clear' 'D*2 W*4 A*4 S*5 D*4' --first-person
    part 6 'forest lake dusk clear;forest lake dusk clear;forest night clear;winter forest day snowfall;forest clear night neon;meadow clear day full colour' \
        'W*7 A*6 W*6 D*7 S*6 D*8' --first-person
    film within 200
}

words() { dream --prompt-queue $to/words.txt --seed 5 --sheet $to/words.png --scale 2; }

map() { dream --seed 4 --image assets/start/palms.png --actions "@$to/walk.txt" --record "$parts/last.png" --map $to/map.png --scale 2; }

for picture in ${@:-play within words map}; do
    case $picture in
        play | within | words | map) "$picture" ;;
        *) echo "there is no picture $picture: play, within, words or map" >&2 && exit 2 ;;
    esac
done
