"""What was said stays, whatever breaks; what was taken back is gone."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel

from leafcore.errors import DatasetError
from leafcore.journal import Journal


class Word(BaseModel):
    text: str


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "words.jsonl", Word)


def words(journal):
    return [word.text for word in journal.read()]


def test_nothing_was_said_yet(journal):
    journal.undo()
    assert words(journal) == []


def test_undo_takes_back_the_last_word_that_stands(journal):
    for text in "abc":
        journal.add(Word(text=text))
    journal.undo()
    journal.undo()
    journal.add(Word(text="d"))
    assert words(journal) == ["a", "d"]


def test_undo_of_ones_own_words_leaves_the_others_alone(journal):
    for text in ("mine 1", "mine 2", "theirs"):
        journal.add(Word(text=text))
    for _ in range(3):
        journal.undo(lambda word: word.text.startswith("mine"))
    assert words(journal) == ["theirs"]


def test_two_who_take_back_at_once_take_back_two_words(journal):
    for number in range(60):
        journal.add(Word(text=str(number)))
    with ThreadPoolExecutor(2) as pool:
        for undone in [pool.submit(journal.undo) for _ in range(40)]:
            undone.result()
    assert words(journal) == [str(number) for number in range(20)]


def test_what_was_taken_back_before_lines_had_numbers_stays_so(journal, tmp_path):
    (tmp_path / "words.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n{"undo": true}\n{"text": "c"}\n')
    assert words(journal) == ["a", "c"]


def test_lines_are_only_added(journal, tmp_path):
    journal.add(Word(text="a"))
    before = (tmp_path / "words.jsonl").read_bytes()
    journal.undo()
    assert (tmp_path / "words.jsonl").read_bytes().startswith(before)


def test_a_torn_line_costs_itself_only(journal, tmp_path):
    journal.add(Word(text="a"))
    with (tmp_path / "words.jsonl").open("ab") as file:
        file.write(b'{"text": "tor')
    assert words(journal) == ["a"]
    journal.add(Word(text="b"))
    assert words(journal) == ["a", "b"]


def test_a_line_that_is_no_entry_is_named(journal, tmp_path):
    (tmp_path / "words.jsonl").write_text('{"text": "a"}\n{"other": 1}\n')
    with pytest.raises(DatasetError, match="words.jsonl: line 2 is no word"):
        journal.read()
