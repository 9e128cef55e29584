#!/usr/bin/env bash
# Makes the pictures of README.md anew (assets/readme), all but that of the window, by the shipped pack. Needs ImageMagick; takes minutes without a graphics card.
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

dream() { ./play dream --engine cpu "$@"; }

# part SEED PROMPTS ACTIONS OPTIONS...: a part of a film. Of PROMPTS, split by semicolons, the first begins it and each other one is said three seconds after the one before.
part() {
    local seed=$1 first=${2%%;*} rest=${2#*;} actions=$3 queue=()
    shift 3
    if [ "$rest" != "$first" ]; then
        tr ';' '\n' <<<"$rest" >"$parts/queue.txt"
        queue=(--prompt-queue "$parts/queue.txt" --every 3)
    fi
    made=$((made + 1))
    dream --seed "$seed" --prompt "$first" "${queue[@]}" --actions "$actions" --glide 3 --record "$(printf '%s/%03d.gif' "$parts" "$made")" "$@"
}

# film NAME: joins the parts made since the film before.
film() {
    convert "$parts"/[0-9]*.gif "$to/$1.gif"
    rm "$parts"/[0-9]*.gif
}

play() {
    part 21 'a forest by day' 'D*24 S*6' --scale 2
    part 5 'a winter forest' 'D*10 S*2 D*6' --scale 2
    part 8 'desert' 'D*12' --scale 2
    part 6 'forest village' 'D*16' --scale 2
    part 4 'a meadow with trees;dusk;night;neon;autumn, full colour;noir' 'D*108' --scale 2
    film play
}

within() {
    part 6 'a village by day;night' 'W*18 A*18' --first-person --scale 4
    part 7 'a forest at dusk;night, clear;snowfall' 'W*54' --first-person --scale 4
    part 9 'a meadow by day;dusk' 'W*36' --first-person --scale 4
    film within
}

words() { dream --prompt-queue $to/words.txt --seed 5 --sheet $to/words.png --scale 2; }

map() { dream --seed 4 --image assets/start/palms.png --actions "@$to/walk.txt" --record "$parts/last.png" --map $to/map.png --scale 2; }

for picture in "${@:-play within words map}"; do
    for one in $picture; do "$one"; done
done
