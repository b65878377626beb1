"""AVA-style files (annotations, label list, excluded seconds, proposals) and their keyframes.

A keyframe is one annotated second of a video. Boxes are x1, y1, x2, y2 in fractions of the frame,
action ids are whole numbers from 1. The readers return what is sound together with one line for
every fault, so that the data check can list all of them at once.
"""

import csv
import io
import itertools
import pickle
import re
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from lfb.errors import UserError
from lfb.files import atomic

BOX = ["x1", "y1", "x2", "y2"]
_KEY = ["video", "second"]
_OVERSHOOT = 1e-3  # detectors clip boxes to the frame in float32 pixels; this much is rounding


@dataclass(frozen=True, eq=False)
class Keyframe:
    """One second of a video and the people in it.

    Attributes:
        boxes: (N, 4) float32, fractions of the frame.
        scores: (N,) float32 detection scores; 1 for ground truth.
        labels: (N, outputs) uint8, 1 where the person does the action; None where unknown.
    """

    video: str
    second: int
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Proposals:
    """Detected people of many keyframes, in flat arrays.

    Attributes:
        index: K sorted (video, second) pairs, each with one or more boxes.
        start: (K + 1,) int64; keyframe k holds rows start[k] to start[k + 1] - 1.
        boxes: (N, 4) float32, fractions of the frame.
        scores: (N,) float32, falling within a keyframe.
    """

    index: pd.MultiIndex
    start: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray

    @classmethod
    def from_rows(
        cls,
        video: Sequence[str] | np.ndarray,
        second: Sequence[int] | np.ndarray,
        boxes: np.ndarray,
        scores: np.ndarray,
    ) -> "Proposals":
        """Sorts N boxes, one row each, in any order."""
        code, names = pd.factorize(np.asarray(video, dtype=object), sort=True)
        second = np.asarray(second, dtype=np.int64)
        scores = np.asarray(scores, dtype=np.float32)
        order = np.lexsort((-scores, second, code))
        code, second = code[order], second[order]
        first = np.ones(len(code), dtype=bool)
        first[1:] = (code[1:] != code[:-1]) | (second[1:] != second[:-1])
        start = np.append(np.flatnonzero(first), len(code))
        index = pd.MultiIndex.from_arrays([names[code[first]], second[first]], names=_KEY)
        boxes = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
        return cls(index, start, boxes[order], scores[order])

    def keys(self) -> list[tuple[str, int]]:
        """The keyframes that have boxes, sorted."""
        return self.index.tolist()

    def get(self, video: str, second: int) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (n, 4) and falling scores (n,) of a keyframe; n is 0 where there is none."""
        k = self.index.get_indexer([(video, second)])[0]
        rows = slice(self.start[k], self.start[k + 1]) if k >= 0 else slice(0)
        return self.boxes[rows], self.scores[rows]

    def passing(self, score: float | np.ndarray) -> np.ndarray:
        """(K,) numbers of boxes that score at least ``score`` (one for all or one each)."""
        least = np.repeat(np.broadcast_to(np.float32(score), len(self.index)), np.diff(self.start))
        before = np.append(0, np.cumsum(self.scores >= least))
        return before[self.start[1:]] - before[self.start[:-1]]


def read_labels(path: str | Path) -> dict[int, str]:
    """Names of the action ids of a label list, by rising id.

    Reads both spellings of AVA: ``item { name: "..." id: N }`` (ActivityNet challenge) and
    ``label { name: "..." label_id: N label_type: ... }`` (AVA v2.x).

    Raises:
        UserError: The file cannot be read, holds no label, or a label has no name, no id from 1
            up, or shares either with another.
    """
    labels: dict[int, str] = {}
    for block in re.finditer(
        r'\b(?:item|label)\s*\{((?:[^{}"]|"(?:\\.|[^"\\])*")*)\}', _text(path)
    ):
        where = f"{path}:{block.string.count(chr(10), 0, block.start()) + 1}"
        name = re.search(r'\bname\s*:\s*"((?:\\.|[^"\\])*)"', block[1])
        number = re.search(r"\b(?:label_)?id\s*:\s*(\d+)\b", re.sub(r'"[^"]*"', "", block[1]))
        if name is None or number is None or int(number[1]) < 1:
            raise UserError(
                f"{where}: a label needs a name in double quotes and an id of 1 or more; "
                'write it as item { name: "stand" id: 12 }.'
            )
        text, action = re.sub(r"\\(.)", r"\1", name[1]), int(number[1])
        if action in labels or text in labels.values():
            twice = f"id {action}" if action in labels else f'name "{text}"'
            raise UserError(f"{where}: {twice} is in the list twice; each label needs its own.")
        labels[action] = text
    if not labels:
        raise UserError(
            f"{path}: no label found; it needs a block for each action, as in "
            'item { name: "stand" id: 12 }.'
        )
    return dict(sorted(labels.items()))


def read_annotations(
    path: str | Path,
    labels: Collection[int] | None,
    unscored: Collection[int] = (),
) -> tuple[pd.DataFrame, list[str]]:
    """Reads ``video,second,x1,y1,x2,y2,action,person`` rows, without a header.

    The person may be left out (-1), and so may the box: ``video,second`` alone is a keyframe
    without people (action -1, person -1, NaN box).

    Args:
        labels: Ids of the label list; None accepts every id from 1.
        unscored: Further ids that may occur though no protocol scores them. Their rows stay.

    Returns:
        The sound rows (video, second, x1, y1, x2, y2, action, person, line) in the order of the
        file, boxes as float64, and the faults of the other rows.

    Raises:
        UserError: The file cannot be read.
    """
    table = _Csv(path, [2, 7, 8], "video,second,x1,y1,x2,y2,action,person")
    texts = table.columns
    second, *box, action, person = (_numbers(column) for column in texts[1:])
    boxed, identified = table.width > 2, table.width > 7
    table.blame_keys(second)
    for name, column, text in zip(BOX, box, texts[2:6], strict=True):
        table.blame(boxed & np.isnan(column), f"{name} '{{}}' is not a number; mend it", text)
    counts = _whole(action) & (action >= 1)
    table.blame(
        boxed & ~counts, "action id '{}' is not a whole number from 1 up; mend it", texts[6]
    )
    if labels is not None:
        table.blame(
            counts & ~np.isin(action, [*labels, *unscored]),
            "action id {} is not in the label list; mend it, add it to the list or name it under "
            "unscored",
            texts[6],
        )
    table.blame(
        identified & ~_whole(person) & (person != -1),
        "person id '{}' is not a whole number; mend it or leave it out",
        texts[7],
    )
    for i, fault in _box_faults(np.stack(box, axis=1)):
        table.faults.append((int(table.line[i]), fault))
    sound = table.sound()
    columns = {
        "second": second[sound].astype(np.int64),
        **{name: column[sound] for name, column in zip(BOX, box, strict=True)},
        "action": np.where(boxed, action, -1)[sound].astype(np.int64),
        "person": np.where(identified, person, -1)[sound].astype(np.int64),
        "line": table.line[sound],
    }
    video = pd.Series(texts[0][sound], dtype=str)
    faults = table.report()
    if not len(table.line) and not faults:
        faults = [f"{path}: is empty; write one row for each box"]
    return pd.DataFrame({"video": video, **columns}), faults


def read_excluded(path: str | Path) -> tuple[set[tuple[str, int]], list[str]]:
    """Reads ``video,second`` rows: keyframes that neither train nor count. May be empty.

    Raises:
        UserError: The file cannot be read.
    """
    table = _Csv(path, [2], "video,second")
    second = _numbers(table.columns[1])
    table.blame_keys(second)
    sound = table.sound()
    video, second = table.columns[0][sound].tolist(), second[sound].astype(int).tolist()
    return set(zip(video, second, strict=True)), table.report()


def read_proposals(path: str | Path) -> tuple[Proposals, list[str]]:
    """Reads detected people: a pickle or, where the name ends in ``.csv``, a CSV.

    The pickle is a dict ``'<video>,<second>'`` -> N x 5 array x1, y1, x2, y2, score, read by an
    unpickler that builds numeric arrays and plain values and runs nothing else. A CSV row is
    ``video,second,x1,y1,x2,y2,,score``, its seventh field left unread.

    Returns:
        The sound boxes, those up to 0.001 outside the frame clipped to it, and the faults.

    Raises:
        UserError: The file cannot be read, or the pickle holds anything else.
    """
    if Path(path).suffix == ".csv":
        video, second, rows, where, faults = _proposals_csv(path)
    else:
        video, second, rows, where, faults = _proposals_pickle(path)
    boxes, scores = rows[:, :4], rows[:, 4]
    near = (boxes >= -_OVERSHOOT) & (boxes <= 1 + _OVERSHOOT)
    boxes = np.where(near, np.clip(boxes, 0, 1), boxes)
    bad = np.zeros(len(rows), dtype=bool)
    for i in np.flatnonzero(np.isnan(rows).any(axis=1)).tolist():
        bad[i] = True
        faults.append(f"{where(i)}: box or score is not a number; mend it or delete the box")
    for i in np.flatnonzero((scores < 0) | (scores > 1)).tolist():
        bad[i] = True
        faults.append(f"{where(i)}: score {scores[i]} is outside [0, 1]; write it as a probability")
    for i, text in _box_faults(boxes):
        bad[i] = True
        faults.append(f"{where(i)}: {text}")
    if not len(rows) and not faults:
        faults.append(f"{path}: holds no box; run a person detector on the keyframes.")
    return Proposals.from_rows(video[~bad], second[~bad], boxes[~bad], scores[~bad]), faults


def write_labels(path: str | Path, labels: Mapping[int, str]) -> None:
    """Writes a label list in the ActivityNet spelling."""
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        for action, name in labels.items():
            quoted = re.sub(r'(["\\])', r"\\\1", name)
            file.write(f'item {{\n  name: "{quoted}"\n  id: {action}\n}}\n')


def write_annotations(path: str | Path, annotations: pd.DataFrame) -> None:
    """Writes the rows of ``read_annotations`` back (``line`` is not needed), to the last digit."""
    columns = (annotations[name].tolist() for name in [*_KEY, *BOX, "action", "person"])
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        for video, second, *box, action, person in zip(*columns, strict=True):
            people = "" if action < 1 else f",{','.join(map(repr, box))},{action},{person}"
            file.write(f"{video},{second:04d}{people}\n")


def write_excluded(path: str | Path, excluded: Collection[tuple[str, int]]) -> None:
    """Writes one ``video,second`` row a keyframe, sorted."""
    with atomic(path) as scratch:
        scratch.write_text("".join(f"{video},{second:04d}\n" for video, second in sorted(excluded)))


def write_proposals(path: str | Path, proposals: Proposals) -> None:
    """Writes a pickle or, where the name ends in ``.csv``, a CSV."""
    rows = np.column_stack([proposals.boxes, proposals.scores])
    parts = np.split(rows, proposals.start[1:-1])
    keyed = {
        f"{video},{second:04d}": part
        for (video, second), part in zip(proposals.keys(), parts, strict=False)
    }
    with atomic(path) as scratch:
        if Path(path).suffix != ".csv":
            scratch.write_bytes(pickle.dumps(keyed, protocol=4))
        else:
            with scratch.open("w", encoding="utf-8") as file:
                for key, part in keyed.items():
                    for *box, score in part.tolist():
                        file.write(f"{key},{','.join(map(repr, box))},,{score!r}\n")


def training_keyframes(
    annotations: pd.DataFrame,
    proposals: Proposals,
    excluded: AbstractSet[tuple[str, int]],
    *,
    num_outputs: int,
    score: float,
    iou: float,
    most: int,
    unscored: Collection[int] = (),
) -> list[Keyframe]:
    """Keyframes to train on, sorted by video and second: every annotated one that shows a person.

    The people are the ground-truth boxes (rows of one box merged), then, by falling score, the
    proposals with score >= ``score`` whose IoU with a ground-truth box is >= ``iou``; these take
    the labels of the box they overlap most. MMAction2's recipe: 0.9, 0.9 and 32 boxes.

    Args:
        num_outputs: Outputs of the classifier; column a of the labels is action id a.
        most: Boxes to keep of a keyframe.
        unscored: Ids whose labels stay 0; their boxes remain.

    Raises:
        UserError: An action id has no output.
    """
    rows = annotations[annotations["action"] >= 1]
    rows = rows[~pd.MultiIndex.from_frame(rows[_KEY]).isin(excluded)]
    trained = ~rows["action"].isin(list(unscored)).to_numpy()
    action = rows["action"].to_numpy()
    if action[trained].max(initial=0) >= num_outputs:
        raise UserError(
            f"action id {action[trained].max()} has no output: the classifier has {num_outputs} "
            "(0 is reserved); raise num_outputs above the highest id."
        )
    person = rows.groupby([*_KEY, *BOX], sort=True).ngroup().to_numpy()
    _, first = np.unique(person, return_index=True)
    labels = np.zeros((len(first), num_outputs), dtype=np.uint8)
    labels[person[trained], action[trained]] = 1
    boxes = rows[BOX].to_numpy(dtype=np.float32)[first]
    index = pd.MultiIndex.from_frame(rows[_KEY].iloc[first])
    keyframes = index.unique()
    keyframe = keyframes.get_indexer(index)  # of each person
    people = np.bincount(keyframe, minlength=len(keyframes))

    known = proposals.index.get_indexer(keyframes)
    count = np.append(proposals.passing(score), 0)[known]  # the appended 0 is for -1, unknown
    row, owner = _ragged(proposals.start[known], count)
    person, pair = _ragged(np.cumsum(people)[owner] - people[owner], people[owner])
    overlap = _iou(boxes[person], proposals.boxes[row[pair]])
    order = np.lexsort((-overlap, pair))
    best = order[np.cumsum(people[owner]) - people[owner]]  # the pair of most overlap, each row's
    best = best[overlap[best] >= iou]
    near = pair[best]

    keyframe = np.append(keyframe, owner[near])
    order = np.argsort(keyframe, kind="stable")
    count = np.bincount(keyframe, minlength=len(keyframes))
    place, _ = _ragged(np.zeros_like(count), count)
    order = order[place < most]
    return _keyframes(
        keyframes,
        np.minimum(count, most),
        np.concatenate([boxes, proposals.boxes[row[near]]])[order],
        np.append(np.ones(len(boxes), np.float32), proposals.scores[row[near]])[order],
        np.concatenate([labels, labels[person[best]]])[order],
    )


def test_keyframes(
    annotations: pd.DataFrame,
    proposals: Proposals,
    excluded: AbstractSet[tuple[str, int]],
    *,
    score: float,
) -> list[Keyframe]:
    """Annotated keyframes with the people to classify, sorted by video and second.

    The boxes are the proposals with score >= ``score``; where none passes, those with the best
    score of the keyframe; where there is none at all, the whole frame with score 1 (MMAction2).
    """
    keyframes = pd.MultiIndex.from_frame(annotations[_KEY].drop_duplicates()).sort_values()
    keyframes = keyframes[~keyframes.isin(excluded)]
    known = proposals.index.get_indexer(keyframes)
    best = proposals.scores[proposals.start[:-1]]
    count = np.append(proposals.passing(np.minimum(best, np.float32(score))), 1)[known]
    start = np.where(known < 0, len(proposals.scores), proposals.start[known])
    row, _ = _ragged(start, count)
    whole_frame = np.array([[0, 0, 1, 1]], np.float32)
    return _keyframes(
        keyframes,
        count,
        np.concatenate([proposals.boxes, whole_frame])[row],
        np.append(proposals.scores, np.float32(1))[row],
    )


def bank_keyframes(
    proposals: Proposals,
    annotations: pd.DataFrame,
    *,
    score: float,
    seconds: Literal["all", "annotated"],
) -> list[Keyframe]:
    """Keyframes whose people enter the feature bank: the proposals with score >= ``score``.

    Args:
        seconds: ``all``: every second of an annotated video with such a proposal (the authors);
            ``annotated``: only the keyframes of the annotations (MMAction2).
    """
    count = proposals.passing(score)
    if seconds == "annotated":
        count[~proposals.index.isin(pd.MultiIndex.from_frame(annotations[_KEY]))] = 0
    else:
        count[~proposals.index.isin(annotations["video"].unique(), level="video")] = 0
    row, _ = _ragged(proposals.start[:-1], count)
    some = count > 0
    return _keyframes(
        proposals.index[some], count[some], proposals.boxes[row], proposals.scores[row]
    )


def _keyframes(
    index: pd.MultiIndex,
    count: np.ndarray,
    boxes: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray | None = None,
) -> list[Keyframe]:
    """Cuts flat arrays into keyframes of ``count`` boxes each."""
    ends = np.cumsum(count).tolist()
    return [
        Keyframe(video, second, boxes[a:b], scores[a:b], None if labels is None else labels[a:b])
        for (video, second), a, b in zip(index, [0, *ends], ends, strict=False)
    ]


def _ragged(start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers start[i], start[i] + 1, ... (count[i] of them) for all i, and the i of each."""
    owner = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return np.arange(len(owner)) - before[owner] + start[owner], owner


def _iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of (N, 4) boxes, pair by pair."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    return shared / (np.prod(a[:, 2:] - a[:, :2], 1) + np.prod(b[:, 2:] - b[:, :2], 1) - shared)


def _proposals_csv(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any, list[str]]:
    table = _Csv(path, [8], "video,second,x1,y1,x2,y2,,score")
    second = _numbers(table.columns[1])
    table.blame_keys(second)
    sound = table.sound()
    numbers = np.stack([_numbers(table.columns[c]) for c in (2, 3, 4, 5, 7)], axis=1)
    line = table.line[sound]

    def where(i: int) -> str:
        return f"{path}:{line[i]}"

    video, second = table.columns[0][sound], second[sound].astype(np.int64)
    return video, second, numbers[sound], where, table.report()


def _proposals_pickle(
    path: str | Path,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any, list[str]]:
    table = _unpickle(path)
    if not isinstance(table, dict):
        raise UserError(
            f"{path}: holds a {type(table).__name__}, not a dict '<video>,<second>' -> N x 5 array "
            "of x1, y1, x2, y2, score; write it so."
        )
    faults: list[str] = []
    seen: dict[tuple[str, int], str] = {}
    parts: list[np.ndarray] = []
    for key, value in table.items():
        video, _, text = key.rpartition(",") if isinstance(key, str) else ("", "", "")
        try:
            part = np.array(value.array if isinstance(value, _Array) else value, dtype=np.float64)
        except (TypeError, ValueError):
            part = np.empty(())
        if not video or not re.fullmatch("[0-9]{1,9}", text):
            faults.append(f"{path}: key {key!r} is not '<video>,<second>', as in 'abc,0902'")
        elif (video, int(text)) in seen:
            twice = seen[video, int(text)]
            faults.append(f"{path}: keys {twice!r} and {key!r} name the same keyframe; merge them")
        elif part.size and (part.ndim != 2 or part.shape[1] != 5):
            faults.append(
                f"{path}: {key!r} has shape {'x'.join(map(str, part.shape)) or 'none'}, not N x 5: "
                "x1, y1, x2, y2, score; write it so"
            )
        else:
            seen[video, int(text)] = key
            parts.append(part.reshape(-1, 5))
    count = [len(part) for part in parts]
    keys = np.repeat(np.arange(len(seen)), count)
    place = np.arange(len(keys)) - np.repeat(np.cumsum(count) - count, count)
    names = list(seen.values())

    def where(i: int) -> str:
        return f"{path}: {names[keys[i]]!r} box {place[i]} (from 0)"

    videos = np.array([video for video, _ in seen], dtype=object)[keys]
    seconds = np.array([second for _, second in seen], dtype=np.int64)[keys]
    return videos, seconds, np.concatenate([np.empty((0, 5)), *parts]), where, faults


class _Dtype:
    """Stands in for a numeric numpy dtype while a pickle is read."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        if code not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
            raise pickle.UnpicklingError(f"an array of {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands in for a numpy array while a pickle is read, so that no code of numpy's is driven."""

    def __init__(self, *_: Any) -> None:
        self.array: np.ndarray = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, raw = state
        raw = raw.encode("latin1") if isinstance(raw, str) else raw  # written by Python 2
        self.array = _from_bytes(raw, kind, shape, "F" if fortran else "C")


def _from_bytes(raw: Any, kind: Any, shape: Any, order: str) -> np.ndarray:
    if not isinstance(kind, _Dtype):
        raise pickle.UnpicklingError("an array without a dtype")
    return np.frombuffer(raw, kind.dtype).reshape(shape, order=order)  # type: ignore[call-overload]


def _latin1(text: str, encoding: str) -> bytes:
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    """Builds plain values and numeric arrays, of numpy 1 and 2, and refuses all else."""

    allowed: Mapping[tuple[str, str], Any] = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("numpy.core.numeric", "_frombuffer"): _from_bytes,
        ("numpy._core.numeric", "_frombuffer"): _from_bytes,
        ("_codecs", "encode"): _latin1,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise UserError(f"the pickle asks for {module}.{name}")
        return self.allowed[module, name]


def _unpickle(path: str | Path) -> Any:
    file = _open(path)
    with file:
        try:
            return _Unpickler(file, encoding="latin1").load()
        except UserError as error:
            raise UserError(
                f"{path}: {error}, which a dict of numeric arrays does not need, so it was not "
                "read; write the proposals again as plain numpy arrays."
            ) from None
        except Exception as error:  # a broken pickle raises nearly anything
            raise UserError(
                f"{path}: is broken or no pickle of numeric arrays "
                f"({error or type(error).__name__}); fetch or write it again."
            ) from None


def _open(path: str | Path) -> Any:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; mend the path in the config.") from None


def _text(path: str | Path) -> str:
    with _open(path) as file:
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: is not UTF-8 text ({error}); save it as UTF-8.") from None


class _Csv:
    """Rows of a CSV without header, and their faults.

    Attributes:
        line: (N,) line numbers of the rows that have one of the right ``widths``.
        width: (N,) their numbers of fields.
        columns: Object arrays (N,) of their texts, "" where a row ends before.
        faults: (line, text) of every fault found so far.
    """

    def __init__(self, path: str | Path, widths: Sequence[int], layout: str) -> None:
        self.path = path
        texts = _text(path).replace("\r\n", "\n").split("\n")
        width = np.fromiter((text.count(",") for text in texts), np.int64, len(texts)) + 1
        good = np.isin(width, widths)
        self.line = np.flatnonzero(good) + 1
        self.width = width[good]
        self.columns = [np.empty(0, dtype=object)] * max(widths)
        self.faults = [
            (i + 1, f"has {width[i]} fields; write {layout}")
            for i in np.flatnonzero(~good).tolist()
            if texts[i].strip()
        ]
        if len(self.line):
            table = pd.read_csv(
                io.StringIO("\n".join(itertools.compress(texts, good))),
                header=None,
                names=range(max(widths)),
                dtype=str,
                keep_default_na=False,
                quoting=csv.QUOTE_NONE,
                lineterminator="\n",
            )
            self.columns = [table[i].fillna("").to_numpy(dtype=object) for i in table]

    def blame(self, bad: np.ndarray, fault: str, texts: np.ndarray) -> None:
        """Adds ``fault``, its {} filled from ``texts``, for each row that is ``bad``."""
        for i in np.flatnonzero(bad).tolist():
            self.faults.append((int(self.line[i]), fault.format(texts[i])))

    def blame_keys(self, second: np.ndarray) -> None:
        """Finds rows without a video's name or a whole ``second``."""
        bad = ~_whole(second)
        header = bad & (self.line == 1)
        self.blame(
            header,
            "second '{}' is not a whole number: is this a header? These files have none; delete it",
            self.columns[1],
        )
        self.blame(
            bad & ~header,
            "second '{}' is not a whole number from 0; write 902 or 0902",
            self.columns[1],
        )
        self.blame(self.columns[0] == "", "has no video name; write it{}", np.full(len(bad), ""))

    def sound(self) -> np.ndarray:
        """(N,) bool, the rows without a fault."""
        return ~np.isin(self.line, [line for line, _ in self.faults])

    def report(self) -> list[str]:
        """The faults as lines ``path:line: text``, in the order of the file."""
        return [f"{self.path}:{line}: {text}" for line, text in sorted(self.faults)]


def _numbers(texts: np.ndarray) -> np.ndarray:
    """float64 of each text, NaN where it is not a finite number."""
    try:
        values = np.array(texts, dtype=np.float64)
    except ValueError:
        values = pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    return values


def _whole(values: np.ndarray) -> np.ndarray:
    return (values >= 0) & (values < 2**31) & (values == np.floor(values))


def _box_faults(boxes: np.ndarray) -> list[tuple[int, str]]:
    """(row, text) of each box of (N, 4) that leaves the frame, is empty or inverted."""
    faults = []
    for i in np.flatnonzero(((boxes < 0) | (boxes > 1)).any(axis=1)).tolist():
        out = [f"{n} {v}" for n, v in zip(BOX, boxes[i].tolist(), strict=True) if not 0 <= v <= 1]
        verb = "is" if len(out) == 1 else "are"
        faults.append(
            (
                i,
                f"{', '.join(out)} {verb} outside [0, 1]; boxes are fractions of the frame: "
                "divide x by its width and y by its height",
            )
        )
    for low, high, side in ((0, 2, "right of"), (1, 3, "below")):
        for i in np.flatnonzero(boxes[:, low] >= boxes[:, high]).tolist():
            a, b = boxes[i, [low, high]].tolist()
            text = f"{BOX[low]} {a} is {side} {BOX[high]} {b}; swap them"
            if a == b:
                text = (
                    f"{BOX[low]} and {BOX[high]} are both {a}: the box is empty; delete or mend it"
                )
            faults.append((i, text))
    return faults
