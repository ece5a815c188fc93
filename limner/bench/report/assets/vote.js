"use strict";
// Blind votes: which of two paintings is closer, whose is not said. The order of trials and of sides is drawn by a seed.

const STORE = `limner-votes-${DATA.id}`;
const ALL = "all";
let ballot = loadBallot();
let trials = [];

function loadBallot() {
  const empty = { seed: 0, votes: [] };
  try {
    const found = JSON.parse(localStorage.getItem(STORE));
    return found && Array.isArray(found.votes) ? found : empty;
  } catch {
    return empty;
  }
}

function keepBallot() {
  try {
    localStorage.setItem(STORE, JSON.stringify(ballot));
  } catch {
    by("vote-warning").hidden = false;
  }
}

function drawBlind() {
  const targets = group.targets.filter((target) => allTrials().some((trial) => trial.target === target));
  by("no-votes").hidden = targets.length > 0;
  by("blind-body").hidden = targets.length === 0;
  fill(by("vote-target"), [[ALL, "all"], ...targets.map((target) => [target, target])]);
  const pairs = [...new Set(allTrials().map((trial) => trial.families.join(" · ")))];
  fill(by("vote-pair"), [[ALL, "any two"], ...pairs.map((pair) => [pair, pair])]);
  by("vote-seed").value = String(ballot.seed);
  drawTrials();
}

// Every two paintings of one picture at one target, in the order of the data.
function allTrials() {
  const found = [];
  for (const picture of group.pictures) {
    for (const [target, shots] of Object.entries(picture.shots)) {
      const here = group.families.filter((label) => label in shots);
      here.forEach((one, place) => {
        for (const other of here.slice(place + 1)) {
          const id = [group.title, picture.name, target, one, other].join(" | ");
          found.push({ id, picture, target, families: [one, other], shots: [shots[one], shots[other]] });
        }
      });
    }
  }
  return found;
}

// Shuffled (Fisher and Yates) and turned before they are chosen from, so that a seed means the same whatever is chosen.
function drawTrials() {
  const random = randomOf(ballot.seed);
  const found = allTrials();
  for (let last = found.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [found[last], found[other]] = [found[other], found[last]];
  }
  for (const trial of found) trial.sides = random() < 0.5 ? [0, 1] : [1, 0];
  const [target, pair] = [by("vote-target").value, by("vote-pair").value];
  trials = found.filter((trial) => [ALL, trial.target].includes(target) && [ALL, trial.families.join(" · ")].includes(pair));
  drawTrial();
}

function currentTrial() {
  const voted = new Set(ballot.votes.map((vote) => vote.trial));
  return trials.find((trial) => !voted.has(trial.id));
}

function drawTrial() {
  const trial = currentTrial();
  const voted = new Set(ballot.votes.map((vote) => vote.trial));
  const done = trials.filter((candidate) => voted.has(candidate.id)).length;
  by("vote-place").textContent = trial ? `${done} of ${trials.length} voted. At most ${trial.target} bytes:` : `All ${trials.length} voted.`;
  by("trial").hidden = !trial;
  for (const id of ["choose-a", "choose-none", "choose-b"]) by(id).disabled = !trial;
  by("undo").disabled = ballot.votes.length === 0;
  if (trial) {
    by("vote-a").src = trial.shots[trial.sides[0]].src;
    by("vote-b").src = trial.shots[trial.sides[1]].src;
    by("vote-original-figure").hidden = !trial.picture.original;
    if (trial.picture.original) by("vote-original").src = trial.picture.original;
  }
  drawTally();
}

function choose(place) {
  const trial = currentTrial();
  if (!trial) return;
  const [a, b] = trial.sides.map((side) => trial.families[side]);
  const chosen = place === null ? null : [a, b][place];
  ballot.votes.push({ trial: trial.id, data: group.title, picture: trial.picture.name, target: trial.target, a, b, chosen, seed: ballot.seed });
  keepBallot();
  drawTrial();
}

function drawTally() {
  const pairs = new Map();
  for (const vote of ballot.votes) {
    const names = [vote.a, vote.b].sort(collator.compare);
    const line = pairs.get(names.join("\n")) ?? [...names, 0, 0, 0, 0];
    line[vote.chosen === null ? 4 : 2 + names.indexOf(vote.chosen)] += 1;
    line[5] += 1;
    pairs.set(names.join("\n"), line);
  }
  const columns = ["first", "second", "for the first", "for the second", "no difference", "votes"];
  const shape = columns.map((heading, place) => ({ heading, digits: place < 2 ? null : 0 }));
  drawTable(by("tally"), { title: "Votes by pair of systems", columns: shape, rows: [...pairs.values()] });
  const text = JSON.stringify({ limner_votes: 1, report: DATA.id, title: DATA.title, ...ballot }, null, 1);
  by("export").href = `data:application/json;charset=utf-8,${encodeURIComponent(text)}`;
}

function voteByKey(event) {
  if (event.target.closest("input, select, table") || event.ctrlKey || event.metaKey || event.altKey) return;
  const places = { a: 0, b: 1, n: null };
  if (event.key in places) choose(places[event.key]);
}

function startBlind() {
  by("vote-target").addEventListener("change", drawTrials);
  by("vote-pair").addEventListener("change", drawTrials);
  by("vote-seed").addEventListener("change", () => {
    ballot.seed = Number(by("vote-seed").value) >>> 0;
    keepBallot();
    drawTrials();
  });
  by("choose-a").addEventListener("click", () => choose(0));
  by("choose-b").addEventListener("click", () => choose(1));
  by("choose-none").addEventListener("click", () => choose(null));
  by("undo").addEventListener("click", () => {
    ballot.votes.pop();
    keepBallot();
    drawTrial();
  });
  by("forget").addEventListener("click", () => {
    if (!confirm("Forget all votes on this page?")) return;
    ballot = { seed: ballot.seed, votes: [] };
    keepBallot();
    drawTrial();
  });
  by("blind").addEventListener("keydown", voteByKey);
}
