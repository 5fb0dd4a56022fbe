from leafcore.pick.marks import Mark, mark_journal, standing


def test_the_last_word_about_an_epoch_stands(tmp_path):
    journal = mark_journal(tmp_path, "ab")
    for mark in (Mark(epoch=2, stars=3), Mark(epoch=4), Mark(epoch=2, stars=5), Mark(epoch=6)):
        journal.add(mark)
    marks = standing(journal.read())
    assert marks.best == 6 and marks.stars == {2: 5}
    journal.undo()
    assert standing(journal.read()).best == 4


def test_each_generator_has_notes_of_its_own(tmp_path):
    mark_journal(tmp_path, "ab").add(Mark(epoch=2))
    assert standing(mark_journal(tmp_path, "ba").read()).best is None
