"""The check that the files of a data set are about the same videos and seconds."""

from collections.abc import Collection
from itertools import combinations

from lfb.data.check_split import SplitContents
from lfb.data.contents import Findings
from lfb.data.key_mismatch import NEARLY, difference, misspelled
from lfb.errors import Problem

_SHOWN = 3  # videos that a line names before it counts the rest


def key_text(keyframe: tuple[str, int]) -> str:
    """Return a keyframe as AVA's files write it, such as ``abc,0902``."""
    return f"{keyframe[0]},{keyframe[1]:04d}"


def compare_keys(split: SplitContents, *, fps: float, first_second: int) -> Findings:
    """Check that the detected people are on the annotated keyframes.

    If some are, a guess at the reason why the others are not is an error only if it is certain:
    detectors find nobody in some seconds.
    """
    proposed, keyframes = split.proposed, split.keyframes
    if proposed is None or not len(proposed) or not len(keyframes):
        return Findings()
    without = keyframes[~keyframes.isin(proposed)]
    found = len(keyframes) - len(without)
    reason = difference(proposed, keyframes, fps=fps, first_second=first_second)
    if found and reason is None:
        return Findings()
    other = proposed[~proposed.isin(keyframes)].append(proposed)  # it may have no other key
    text = (
        f"{split.files.detected_people}: {found or 'none'} of the {len(keyframes)} keyframes of "
        f"{split.files.annotations} have a proposal: this file has keys like "
        f"'{key_text(other[0])}', the annotations have keys like '{key_text(without[0])}'; "
    )
    if reason is None:
        return Findings([Problem(f"{text}use the same keys in both")])
    if found and not reason.certain:
        return Findings(
            warnings=[
                f"{text}perhaps its {reason.words}, then {reason.after:.0%} of the keyframes have "
                "one: check that both files use the same keys"
            ]
        )
    return Findings([Problem(f"{text}its {reason.words}: use the same keys in both")])


def compare_names(split: SplitContents) -> Findings:
    """Check that annotated videos without a proposal have none under another spelling.

    This is an error if nearly all keyframes of these videos have one, and a warning otherwise.
    """
    proposed, keyframes = split.proposed, split.keyframes
    if proposed is None:
        return Findings()
    names = misspelled(proposed.unique("video"), keyframes.unique("video"))
    if not names:
        return Findings()
    theirs = keyframes[keyframes.isin(names, level="video")].to_frame(index=False)
    other = proposed.isin(names.values(), level="video")
    matching = theirs.replace({"video": names}).merge(proposed[other].to_frame(index=False))
    listed = ", ".join(f"'{other}' is '{video}'" for video, other in [*names.items()][:_SHOWN])
    more = f" (and {len(names) - _SHOWN} more)" if len(names) > _SHOWN else ""
    text = (
        f"{split.files.detected_people}: video {listed} in {split.files.annotations}{more}, which "
        "has no proposal; use the same name in both"
    )
    if len(matching) >= NEARLY * len(theirs):
        return Findings([Problem(text)])
    return Findings(warnings=[f"{text} if it is the same video"])


def check_exclusions(split: SplitContents) -> Findings:
    """Check that the excluded keyframes are not those of another split, or all keyframes."""
    files, keyframes = split.files, split.keyframes
    findings = Findings()
    if not len(keyframes):
        return findings
    videos = set(keyframes.unique("video"))
    if split.excluded and videos.isdisjoint(video for video, _ in split.excluded):
        text = (
            f"{files.excluded}: excludes no video of {files.annotations}: this file has keys like "
            f"'{key_text(min(split.excluded))}', the annotations have keys like "
            f"'{key_text(keyframes[0])}'; is it the file of another split?"
        )
        findings.problems.append(Problem(text))
    if split.excluded.issuperset(keyframes):
        text = f"{files.excluded}: excludes every keyframe of {files.annotations}"
        findings.problems.append(Problem(text))
    return findings


def check_shared_videos(splits: Collection[SplitContents]) -> Findings:
    """Check that no two splits have a video in common."""
    first_line = {
        split.name: split.annotations.drop_duplicates("video").set_index("video")["line"]
        for split in splits
        if split.annotations is not None
    }
    files = {split.name: split.files.annotations for split in splits}
    findings = Findings()
    for a, b in combinations(first_line, 2):
        shared = first_line[a].index.intersection(first_line[b].index).sort_values()
        if len(shared):
            video, more = shared[0], f" (and {len(shared) - 1} more)" if len(shared) > 1 else ""
            text = (
                f"{files[a]}:{first_line[a][video]}: video '{video}'{more} is in {a} and in {b} "
                f"({files[b]}:{first_line[b][video]}); delete it from one"
            )
            findings.problems.append(Problem(text))
    return findings
