import numpy as np

from lfb.report.examples import SECONDS_APART, Answers, People, choose_keyframes
from tests.report.finished_run import SECONDS, VIDEOS, predict, split


def test_an_answer_has_as_many_actions_as_the_annotation() -> None:
    people = People.of(split())
    answers = Answers.of(people, predict({("bert", 5)}))
    assert (answers.answer.sum(1) == people.num_actions).all()
    keys = [(keyframe.video, keyframe.second) for keyframe in people.keyframes]
    wrong = people.keyframe == keys.index(("bert", 5))
    assert (answers.correct == np.where(wrong, 0, people.num_actions)).all()


def test_people_without_a_scored_box_are_not_detected() -> None:
    people = People.of(split())
    answers = Answers.of(people, predict(set(), people=1))
    second = people.actions[:, 1]  # only the second person jumps
    assert np.isnan(answers.box[second]).all()
    assert not answers.answer[second].any()
    assert (answers.correct[second] == 0).all()


def test_failures_are_of_detected_people() -> None:
    people = People.of(split())
    groups = choose_keyframes(
        people, {"baseline": Answers.of(people, predict(set(), 1))}, None, (1, 1, 1)
    )
    assert [group.total for group in groups] == [0, 0]


def test_excluded_keyframes_are_left_out() -> None:
    keys = {(k.video, k.second) for k in People.of(split()).keyframes}
    assert ("carl", 10) not in keys
    assert len(keys) == len(VIDEOS) * len(SECONDS) - 1


def test_groups_show_gain_loss_and_failure_with_no_video_twice() -> None:
    people = People.of(split())
    answers = {
        "baseline": Answers.of(people, predict({("bert", 5), (VIDEOS[0], 7), (VIDEOS[0], 8)})),
        "lfb": Answers.of(people, predict({("bert", 5), ("carl", 6)})),
    }
    groups = choose_keyframes(people, answers, "lfb", (4, 1, 2))
    shown = [
        [(people.keyframes[k].video, people.keyframes[k].second) for k in group.keyframes]
        for group in groups
    ]
    assert shown == [[(VIDEOS[0], 7)], [("carl", 6)], [("bert", 5)]]
    assert [group.total for group in groups] == [2, 1, 1]


def test_a_lone_video_gives_several_moments_far_from_each_other() -> None:
    people = People.of(split())
    failures = {("bert", second) for second in SECONDS}
    answers = {"baseline": Answers.of(people, predict(failures))}
    *_, failed = choose_keyframes(people, answers, None, (1, 1, 3))
    assert [(people.keyframes[k].video, people.keyframes[k].second) for k in failed.keyframes] == [
        ("bert", SECONDS[0]),
        ("bert", SECONDS[0] + SECONDS_APART),
    ]
    assert failed.total == len(SECONDS)
