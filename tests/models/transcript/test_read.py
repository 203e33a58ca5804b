"""Files with words: every format, encoding and bad case, against texts written by hand."""

import codecs
import json

import numpy as np
import pytest

from models.errors import StimulusError
from models.stimulus import Stimulus
from models.transcript.read import read_transcript

SRT = """1
00:00:01,000 --> 00:00:03,000
Hello there.

2
00:00:04,500 --> 00:00:05,500
<i>Good</i>
bye
"""


def read(text, name="file.txt", **options):
    return read_transcript(text.encode(), name, **options)


def timed(transcript):
    return [(word.text, round(word.onset_s, 3)) for word in transcript.words]


def test_srt_words_are_spread_over_their_cue_by_syllables():
    """Hello there: 2 + 1 syllables in 2 s."""
    found = read(SRT, "a.srt")
    assert timed(found) == [
        ("Hello", 1.0),
        ("there.", round(1 + 4 / 3, 3)),
        ("Good", 4.5),
        ("bye", 5.0),
    ]
    assert any("spread over their line" in note for note in found.notes)
    assert found.place(2.0).lines == ("Hello", "there.", "Good bye")


def test_content_decides_the_format_before_the_name_does():
    assert timed(read(SRT, "wrong.json")) == timed(read(SRT, "a.srt"))
    assert timed(read("WEBVTT\n\n00:01.000 --> 00:02.000\nHi", "x.srt")) == [("Hi", 1.0)]
    assert timed(read('{"segments": [{"start": 1, "end": 2, "text": "Hi"}]}')) == [("Hi", 1.0)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.srt", "just prose"),
        ("a.vtt", "just prose"),
        ("a.TextGrid", "just prose"),
        ("a.json", "{broken"),
        ("a.csv", "just prose"),
        ("a.tsv", "just prose"),
    ],
)
def test_a_name_that_promises_another_format_is_refused(name, text):
    with pytest.raises(StimulusError, match=f"“{name}”: the name ends in .* is not there"):
        read(text, name)


def test_srt_is_read_leniently():
    """Points for commas, no numbers, no hours, blank lines inside, a cue that is a number."""
    text = "00:01.500 --> 00:02.000\none\n\ntwo\n0:0:3.25 --> 0:0:4\n42"
    assert timed(read(text)) == [("one", 1.5), ("two", 1.75), ("42", 3.25)]
    numbered = "1\n00:00:01,000 --> 00:00:02,000\nten\n\n2\n00:00:03,000 --> 00:00:04,000\n7\n"
    assert timed(read(numbered)) == [("ten", 1.0), ("7", 3.0)]


def test_captions_keep_what_is_spoken():
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\n[door slams]\n- ROSS: Hi {\\an8}<b>you</b> &amp; me\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\n♪ la ♪\n(LAUGHTER)\n\n"
        "3\n00:00:05,000 --> 00:00:06,000\n♪♪\n"
    )
    found = read(text)
    assert [word.text for word in found.words] == ["Hi", "you&", "me", "la"]
    assert "Names of speakers were left out (1)." in found.notes
    assert any(note.startswith("Descriptions of sounds") for note in found.notes)


def test_overlapping_and_unordered_cues_are_mixed_by_onset():
    text = (
        "1\n00:00:04,000 --> 00:00:05,000\nlast\n\n2\n00:00:00,000 --> 00:00:02,000\none three\n\n"
        "3\n00:00:00,500 --> 00:00:01,000\ntwo\n"
    )
    found = read(text)
    assert timed(found) == [("one", 0.0), ("two", 0.5), ("three", 1.0), ("last", 4.0)]
    assert "Times were not in order; they were sorted." in found.notes
    assert any(note.startswith("Lines overlap in time (1)") for note in found.notes)
    ends = [word.end_s for word in found.words]
    assert all(end <= word.onset_s for end, word in zip(ends, found.words[1:], strict=False))


def test_a_cue_that_ends_before_it_starts_lasts_by_its_syllables():
    text = "1\n00:00:05,000 --> 00:00:04,000\nbanana cat\n"
    assert timed(read(text)) == [("banana", 5.0), ("cat", 5.75)]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ("-00:00:03,000 --> 00:00:04,000", "shift the times"),
        ("27:00:00,000 --> 27:00:04,000", "27.0 hours; at most 8"),
    ],
)
def test_absurd_times_are_refused_in_one_sentence(times, message):
    with pytest.raises(StimulusError, match=message):
        read(f"1\n{times}\nword\n", "a.srt")


def test_speech_that_starts_late_is_pointed_out():
    found = read("1\n01:00:00,000 --> 01:00:01,000\nHello\n")
    assert any("Nothing is said before 3,600 s" in note for note in found.notes)


def test_webvtt_skips_what_is_no_cue_and_takes_times_inside_one():
    text = (
        "WEBVTT - a title\n\nNOTE a note\nover two lines\n\nSTYLE\n::cue { color: red }\n\n"
        "intro\n00:01.000 --> 00:03.000 align:start\n<v Ann>Hello <00:02.500><c> world</c>\n\n"
        "01:00:04.000 --> 01:00:05.000\nEnd"
    )
    assert timed(read(text)) == [("Hello", 1.0), ("world", 2.5), ("End", 3604.0)]


def test_rolling_captions_are_taken_once():
    """The form of automatic captions: each cue shows the line before above the new one."""
    lines = ["one two", "three four", "five six", "seven eight"]
    text = "WEBVTT\n"
    for number, line in enumerate(lines):
        above = lines[number - 1] if number else " "
        start = f"00:0{number}.000 --> 00:0{number}.990"
        text += f"\n{start}\n{above}\n{line.replace(' ', f'<00:0{number}.500><c> ')}</c>\n"
    found = read(text)
    assert [word.text for word in found.words] == " ".join(lines).split()
    assert [word.onset_s for word in found.words] == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
    assert any("rolling captions" in note for note in found.notes)


def test_somebody_may_say_the_same_twice():
    text = "1\n00:00:01,000 --> 00:00:02,000\nNo.\n\n2\n00:00:02,000 --> 00:00:03,000\nNo.\n"
    assert timed(read(text)) == [("No.", 1.0), ("No.", 2.0)]


LONG_GRID = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.3
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 2.3
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "h"
        intervals [2]:
            xmin = 0.5
            xmax = 0.7
            text = "aI"
        intervals [3]:
            xmin = 0.7
            xmax = 2.3
            text = "T"
    item [2]:
        class = "TextTier"
        name = "beats"
        xmin = 0
        xmax = 2.3
        points: size = 1
        points [1]:
            number = 1.5
            mark = "x"
    item [3]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2.3
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.7
            text = "say ""hi"""
        intervals [2]:
            xmin = 0.7
            xmax = 1.2
            text = "sp"
        intervals [3]:
            xmin = 1.2
            xmax = 2.3
            text = "7 there"
'''

SHORT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
2.3
<exists>
2
"IntervalTier"
"Mary"
0
2.3
3
0
0.5
"one"
0.5
0.8
""
0.8
2.3
"two"
"IntervalTier"
"utterances"
0
2.3
1
0
2.3
"one two"
"""


def test_a_textgrid_gives_its_word_tier():
    """Praat manual, "TextGrid file formats": doubled quotes, labels with blanks, silences."""
    found = read(LONG_GRID, "a.TextGrid")
    assert timed(found) == [("say", 0.0), ('"hi"', 0.35), ("7", 1.2), ("there", 1.75)]
    assert any("Tier “words” of 2 tiers" in note for note in found.notes)


def test_a_short_textgrid_without_a_named_tier_gives_the_one_of_single_words():
    assert timed(read(SHORT_GRID)) == [("one", 0.0), ("two", 0.8)]


def test_word_tiers_of_several_speakers_are_put_together():
    tier = '"IntervalTier" "{name}" 0 3 1 {start} {end} "{text}"\n'
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n0 3 <exists> 2\n'
    text = (
        head
        + tier.format(name="Bob - words", start=2, end=3, text="second")
        + tier.format(name="Ann - words", start=0, end=1, text="first")
    )
    assert timed(read(text)) == [("first", 0.0), ("second", 2.0)]


def test_a_textgrid_in_utf16_as_praat_writes_it():
    data = codecs.BOM_UTF16_BE + SHORT_GRID.replace("one", "één").encode("utf-16-be")
    assert read_transcript(data, "a.TextGrid").words[0].text == "één"


@pytest.mark.parametrize("cut", [60, 150, 400, 900])
def test_a_textgrid_that_breaks_off_is_refused(cut):
    with pytest.raises(StimulusError, match=r"breaks off|has a label"):
        read(LONG_GRID[:cut], "a.TextGrid")


def test_tables_with_onsets_are_read_whatever_they_call_their_columns():
    want = [("Hello,", 0.5), ("you", 1.25)]
    assert timed(read('word,onset,duration\n"Hello,",0.5,0.3\nyou,1.25,0.2\n')) == want
    assert timed(read("Onset (s)\tEnd (s)\tText\n0.5\t0.8\tHello,\n1.25\t1.45\tyou\n")) == want
    assert timed(read("start_ms;token\n500;Hello,\n1250;you\n")) == want
    assert timed(read("start;stop;wort\n0,5;0,8;Hello,\n1,25;1,5;you\n")) == want
    found = read("word,onset,duration\nHello,0.5,0.3\n")
    assert found.words[0].duration_s == pytest.approx(0.3)


def test_a_table_without_a_header_is_word_onset_end():
    """The form of forced aligners such as Gentle: word, word in the dictionary, onset, end."""
    text = "I,i,0.10,0.20\nwent,went,0.20,0.55\nxyzzy,<unk>,,\nhome,home,1.00,1.40\n"
    found = read(text, "align.csv")
    assert [word.text for word in found.words] == ["I", "went", "xyzzy", "home"]
    assert found.words[2].onset_s == pytest.approx(0.55)
    assert any("without a time" in note for note in found.notes)
    durations = read("a 1,0.0,0.5\nb,1.0,0.25\n").words
    assert durations[-1].end_s == pytest.approx(1.25)


def test_rows_that_hold_lines_are_spread():
    text = "text,start,end\none two,0,1\nthree,2,3\n"
    assert timed(read(text)) == [("one", 0.0), ("two", 0.5), ("three", 2.0)]


def test_a_stray_quotation_mark_does_not_swallow_a_table():
    text = 'onset\tword\n0.5\t"Hello\n1.0\tyou"\n1.5\tthere\n'
    assert timed(read(text)) == [('"Hello', 0.5), ('you"', 1.0), ("there", 1.5)]


def test_a_cell_that_is_no_time_is_named():
    with pytest.raises(StimulusError, match="Row 2 of the table has “soon” instead of a time"):
        read("word,onset\na,1\nb,soon\n")


def test_times_in_milliseconds_by_mistake_are_pointed_out():
    with pytest.raises(StimulusError, match="milliseconds"):
        read("word,onset\na,1\nb,90000000\n")


VOLUMES = (
    "text_per_tr\twords_per_tr\tonsets_per_tr\tdurations_per_tr\n"
    "\t[]\t[]\t[]\n"
    '"Well, I\'m"\t"[\'Well\', ""I\'m""]"\t[2.1, 2.6]\t[0.3, 0.2]\n'
    "here.\t['here']\t[3.2]\t[0.4]\n"
    "\t[]\t[]\t[]\n"
)


def test_tables_with_a_volume_a_row_are_read_as_literals():
    """Columns and lists of the Algonauts 2025 transcripts; text_per_tr has the punctuation."""
    found = read(VOLUMES, "friends_s01e01a.tsv")
    assert timed(found) == [("Well,", 2.1), ("I'm", 2.6), ("here.", 3.2)]
    assert (found.tr_s, found.n_rows) == (1.49, 4)
    assert found.place(1.49).lines == ("", "Well, I'm", "here.", "")
    # 4 x 1.49 = 5.96 s are three volumes of 2 s
    assert found.place(2.0).lines == ("", "Well, I'm here.", "")


def test_lists_alone_will_do():
    text = "words_per_tr\tonsets_per_tr\n['a', 'b']\t[0.5, 1.5]\n[]\t[]\n"
    assert timed(read(text)) == [("a", 0.5), ("b", 1.5)]


def test_another_repetition_time_is_found_from_the_onsets():
    rows = [f"['w']\t[{row * 2.0 + 0.9:.1f}]" for row in range(40)]
    found = read("words_per_tr\tonsets_per_tr\n" + "\n".join(rows))
    assert found.tr_s == pytest.approx(2.0, abs=0.02)
    assert any("about 2 s" in note or "about 1.99 s" in note for note in found.notes)


@pytest.mark.parametrize(
    "cell", ["__import__('os').getcwd()", "[1, 2", "{'a': 1}", "(lambda: 1)()", "5"]
)
def test_cells_are_never_run(cell):
    with pytest.raises(StimulusError, match=r"Row 1 .* instead of a list"):
        read(f"words_per_tr\tonsets_per_tr\n{cell}\t[0.5]\n")


def test_lists_that_do_not_match_are_refused():
    with pytest.raises(StimulusError, match="Row 1 has 2 words, 1 onsets"):
        read("words_per_tr\tonsets_per_tr\n['a', 'b']\t[0.5]\n")
    with pytest.raises(StimulusError, match="instead of a time"):
        read("words_per_tr\tonsets_per_tr\n['a']\t['x']\n")


WHISPER = {
    "text": " Hello, how are you?",
    "segments": [
        {
            "id": 0,
            "start": 0.0,
            "end": 1.1,
            "text": " Hello, how",
            "words": [
                {"word": " Hello,", "start": 0.0, "end": 0.5, "probability": 0.95},
                {"word": " how", "start": 0.5, "end": 0.8, "probability": 0.98},
            ],
        },
        {"id": 1, "start": 2.0, "end": 3.0, "text": " are you?"},
    ],
    "language": "en",
}


def test_whisper_json_gives_words_where_it_has_them_and_lines_elsewhere():
    """Shape as in the openai/whisper guide to word timestamps."""
    want = [("Hello,", 0.0), ("how", 0.5), ("are", 2.0), ("you?", 2.5)]
    assert timed(read(json.dumps(WHISPER), "a.json")) == want


@pytest.mark.parametrize(
    "content",
    [
        {"words": [{"word": "Hi", "start": 0.5, "end": 0.7}, {"word": "you", "start": 1.0}]},
        [{"text": "Hi", "start": 0.5, "end": 0.7}, {"text": "you", "start": 1, "end": 2}],
        {
            "chunks": [
                {"text": " Hi", "timestamp": [0.5, 0.7]},
                {"text": " you", "timestamp": [1, 2]},
            ]
        },
        {
            "transcription": [
                {"offsets": {"from": 500, "to": 700}, "text": " Hi"},
                {"offsets": {"from": 1000, "to": 2000}, "text": " you"},
            ]
        },
        {
            "words": [
                {"text": "Hi", "start": 500, "end": 700},
                {"text": "you", "start": 1000, "end": 1500},
            ]
        },
        {
            "results": {
                "channels": [
                    {
                        "alternatives": [
                            {
                                "transcript": "hi you",
                                "words": [
                                    {
                                        "word": "hi",
                                        "punctuated_word": "Hi",
                                        "start": 0.5,
                                        "end": 0.7,
                                    },
                                    {"word": "you", "start": 1.0, "end": 1.2},
                                ],
                            }
                        ]
                    }
                ]
            }
        },
        {
            "segments": [
                {"words": [{"word": "Hi", "start": "0.5s"}, {"word": "you", "start": "1s"}]}
            ]
        },
    ],
    ids=["openai", "list", "transformers", "whisper.cpp", "milliseconds", "deepgram", "text times"],
)
def test_other_recognisers_are_understood(content):
    assert timed(read(json.dumps(content), "a.json")) == [("Hi", 0.5), ("you", 1.0)]


def test_words_that_a_recogniser_could_not_align_share_the_gap():
    words = [
        {"word": "in", "start": 1.0, "end": 1.2},
        {"word": "2014"},
        {"word": "we", "start": 2.2, "end": 2.4},
    ]
    found = read(json.dumps({"segments": [{"start": 1, "end": 3, "text": "x", "words": words}]}))
    assert timed(found) == [("in", 1.0), ("2014", 1.2), ("we", 2.2)]


def test_pieces_of_words_are_joined():
    words = [
        {"word": " twenty", "start": 0.0, "end": 0.5},
        {"word": "-one", "start": 0.5, "end": 0.8},
        {"word": " is", "start": 0.9, "end": 1.0},
    ]
    assert timed(read(json.dumps({"words": words}))) == [("twenty-one", 0.0), ("is", 0.9)]


def test_json_without_words_is_refused():
    for content in ({"a": 1}, [1, 2], {"segments": []}, {"words": [{"word": "no times"}]}):
        with pytest.raises(StimulusError, match="no list of words or segments with times"):
            read(json.dumps(content), "a.json")


def test_a_stimulus_of_this_program_comes_back_as_it_was():
    stimulus = Stimulus.from_lines(["a b", "", "c"], "t", 1.49, [0.5, 1.0, 3.0])
    found = read_transcript(stimulus.data, "t.json")
    assert found.place(1.49).stimulus("t") == stimulus
    with pytest.raises(StimulusError, match="do not fit"):
        read('{"lines": 5, "tr_s": 1}', "t.json")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_every_encoding_gives_the_same_words(encoding):
    text = SRT.replace("Hello", "Déjà").replace("bye", "über")
    words = read_transcript(text.encode(encoding), "a.srt").words
    assert [word.text for word in words] == ["Déjà", "there.", "Good", "über"]


def test_latin_1_is_said():
    found = read_transcript("Grüße aus Köln".encode("latin-1"), "a.txt")
    assert [word.text for word in found.words] == ["Grüße", "aus", "Köln"]
    assert any("Latin-1" in note for note in found.notes)
    assert read_transcript(b"caf\x81\xe9", "a.txt").words[0].text == "café"  # no Windows-1252


def test_line_ends_of_every_system_are_the_same():
    for end in ("\r\n", "\r"):
        assert timed(read(SRT.replace("\n", end))) == timed(read(SRT))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"\x00\x01\x02\x03" * 100, "not a text file"),
        (codecs.BOM_UTF16_LE + b"abc", "breaks off"),
        (b"... !!! ---", "has no words"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n\n", "has no words"),
        (b"word,onset\n,\n", "has no words"),
    ],
)
def test_files_without_words_are_refused(data, message):
    with pytest.raises(StimulusError, match=message) as refusal:
        read_transcript(data, "a.txt")
    assert str(refusal.value).count(". ") == 0  # one sentence


def test_files_that_are_too_large_are_refused():
    with pytest.raises(StimulusError, match="at most 50 are taken"):
        read_transcript(b"a" * 50_000_001, "big.txt")
    with pytest.raises(StimulusError, match="letters"):
        read_transcript(b"a " * 6_000_000, "long.txt")


def test_ten_thousand_cues_are_read():
    cues = []
    for number in range(10_000):
        minutes, seconds = divmod(number, 60)
        clock = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        cues.append(f"{number + 1}\n{clock},000 --> {clock},900\nword {number}\n")
    found = read("\n".join(cues), "long.srt")
    assert len(found.words) == 20_000
    assert len(found.place(1.0).lines) == 10_000
    assert found.place(1.0).lines[9_999] == "word 9999"


def test_plain_text_is_timed_and_says_so():
    found = read("One two three.", words_a_second=1)
    assert not found.has_times
    np.testing.assert_allclose([word.onset_s for word in found.words], [0, 1, 2])
    assert any("1 words a second" in note for note in found.notes)
    assert "blanks" not in " ".join(found.notes)


def test_prose_with_commas_colons_and_numbers_stays_prose():
    text = "Text, start and end: at 5, 6, and 7 o'clock.\nThen, 8, and so on.\n"
    assert read(text).words[0].text == "Text,"
    assert not read(text).has_times


def test_text_without_blanks_is_said_to_be_cut():
    found = read("私は学生です。")
    assert [word.text for word in found.words] == ["私", "は", "学生", "です。"]
    assert any("every second one" in note for note in found.notes)


def test_silence_can_be_kept_after_the_last_word():
    """The last word starts at 1 s and lasts .25 s: 20 s more end at 21.25 s."""
    found = read("word,onset\none,0\ntwo,1\n")
    assert len(found.place(2.0).lines) == 1
    assert len(found.place(2.0, silence_after_s=20).lines) == 11
    with pytest.raises(StimulusError, match="above 0 s"):
        found.place(0.0)


def test_names_are_cleaned():
    assert read("hi there", "a\u202egnp\n.txt").name == "agnp .txt"


SAMPLES = {
    "a.srt": SRT,
    "a.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\nHi <00:01.500>you",
    "a.TextGrid": LONG_GRID,
    "b.TextGrid": SHORT_GRID,
    "a.csv": "word,onset,duration\nHello,0.5,0.3\nyou,1.25,0.2\n",
    "a.tsv": VOLUMES,
    "a.json": json.dumps(WHISPER),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_are_read_or_refused_never_crash(name):
    """Bytes cut, changed, doubled or moved by a fixed random generator."""
    data = SAMPLES[name].encode()
    random = np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(random.integers(1, 6)):
            at, other = random.integers(0, len(broken), 2)
            kind = random.integers(0, 4)
            if kind == 0:
                broken[at] = random.integers(0, 256)
            elif kind == 1:
                del broken[min(at, other) : min(at, other) + random.integers(1, 40)]
            elif kind == 2:
                broken[at:at] = broken[other : other + random.integers(1, 60)]
            else:
                broken[at:at] = random.choice([b"-", b"9" * 12, b"nan", b"[", b'"', b"\n", b"e99"])
            broken = broken or bytearray(b"x")
        try:
            found = read_transcript(bytes(broken), name)
            found.stimulus(2.0)
        except StimulusError:
            continue
        onsets = [word.onset_s for word in found.words]
        assert onsets == sorted(onsets)
        assert all(word.duration_s >= 0 for word in found.words)
