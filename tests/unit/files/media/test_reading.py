"""What the process makes of pictures: upright, in sRGB, without metadata, whatever they were."""

import io

import pytest
from PIL import Image, ImageCms, JpegImagePlugin

from functions.files.media.imaging.colours import blurhash, dominant, to_srgb
from functions.files.media.imaging.facts import exif_of
from functions.files.media.imaging.opening import open_picture
from functions.files.media.imaging.rendering import decode, fitted, render, render_animated, shown_size
from functions.files.media.rules.outputs import Fit, Format, Gravity, Spec, anchor, normal
from tests.kit.scenes import distance, encoded, scene

TURNS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6, 8: 7}
SECRET = b"Secret-Studio-Name"


def spec(width=96, height=96, kind=Format.PNG, **fields):
    return normal(Spec(width, height, kind, **fields))


@pytest.fixture
def made(tmp_path):
    """`made(body, spec)`: the output as it is written, and opened again."""

    def make(body, wanted=None):
        wanted = wanted or spec()
        path = tmp_path / "source"
        path.write_bytes(body)
        picture = open_picture(path)
        source = shown_size(picture)
        rendered = render(decode(picture, (wanted,)), source, wanted)
        return rendered.body, Image.open(io.BytesIO(rendered.body))

    return make


def with_exif(turn):
    """The scene as a camera held this way would have written it, with all that cameras write besides."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = scene() if turn == 1 else scene().transpose(undo[turn])
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = turn, SECRET.decode(), "Model 1"
    exif.get_ifd(0x8769)[0x9003] = "2026:05:01 10:20:30"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "S", (33.0, 51.0, 31.0), "E", (151.0, 12.0, 51.0)
    return encoded(picture, "JPEG", quality=90, exif=exif, comment=SECRET)


@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation(made, turn):
    _, found = made(with_exif(turn))

    assert found.size == (96, 64)
    assert distance(found, scene()) <= 4


@pytest.mark.parametrize("kind", list(Format), ids=str)
def test_exif_stripped(made, kind):
    """Read again as bytes: not a name, a place, a profile or a comment is left."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    source = Image.open(io.BytesIO(with_exif(6)))
    body = encoded(source, "JPEG", exif=source.getexif(), icc_profile=profile, comment=SECRET)
    assert SECRET in body and b"Exif" in body and b"ICC_PROFILE" in body

    written, found = made(body, spec(kind=kind))

    for trace in (SECRET, b"Exif", b"EXIF", b"GPS", b"ICC_PROFILE", b"iCCP", b"http://ns.adobe.com", b"tEXt", b"Model"):
        assert trace not in written, trace
    assert not dict(found.getexif()) and not {"icc_profile", "exif", "comment", "xmp"} & found.info.keys()


def in_mode(mode):
    """The scene as a file of this mode, in a format that can hold it."""
    plain = scene()
    match mode:
        case "1":
            return encoded(plain.convert("L").point(lambda value: 255 * (value > 127)).convert("1"), "PNG"), "bilevel"
        case "L" | "LA" | "RGBA":
            return encoded(plain.convert(mode), "PNG"), ""
        case "P":
            return encoded(plain.quantize(64), "GIF"), ""
        case "PA":
            return encoded(plain.quantize(16), "PNG", transparency=255), ""
        case "CMYK":
            return encoded(plain.convert("CMYK"), "JPEG", quality=95), ""
        case "I;16":
            wide = plain.convert("L").convert("I").point(lambda value: value * 257)
            return encoded(wide.convert("I;16"), "PNG"), ""
        case "I":
            return encoded(plain.convert("L").convert("I"), "TIFF"), ""
        case "F":
            return encoded(plain.convert("L").convert("F").point(lambda value: value * (1 / 255) + 0), "TIFF"), ""
        case "YCbCr":
            return encoded(plain, "JPEG", quality=95, subsampling=2), ""
        case "LAB":
            to_lab = ImageCms.buildTransform(
                ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
            )
            return encoded(ImageCms.applyTransform(plain, to_lab), "TIFF"), ""
        case "RGB;webp":
            return encoded(plain, "WEBP", lossless=True), ""
        case _:
            return encoded(plain, "AVIF", quality=90), ""


MODES = ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB", "RGB;webp", "RGB;avif"]


@pytest.mark.parametrize("mode", MODES)
def test_modes(made, mode):
    """Every mode looks like the scene: by its difference hash, and where it has colour by its corners."""
    body, note = in_mode(mode)
    golden = scene() if not note else scene().convert("L").point(lambda value: 255 * (value > 127))

    _, found = made(body)

    assert distance(found, golden) <= 4
    if mode not in ("1", "L", "LA", "I;16", "I", "F"):
        corner = found.convert("RGB").getpixel((90, 60))
        assert all(abs(seen - meant) < 30 for seen, meant in zip(corner, (240, 230, 220), strict=True)), corner


def test_what_shows_through_stays_so_where_the_format_can_hold_it(made):
    picture = scene().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    body = encoded(picture, "PNG")

    kept = made(body, spec(kind=Format.WEBP))[1].convert("RGBA").getchannel("A").getextrema()
    ground = made(body, spec(kind=Format.JPEG, background="000000"))[1].convert("RGB").getpixel((90, 0))

    assert kept[0] < 20 and kept[1] > 235
    assert max(ground) < 20


def test_a_palette_with_a_colour_that_is_no_colour_shows_through(made):
    picture = scene().quantize(8)
    body = encoded(picture, "GIF", transparency=picture.getpixel((200, 140)))

    found = made(body)[1].convert("RGBA")

    assert found.getpixel((85, 58))[3] == 0 and found.getpixel((5, 60))[3] == 255


def test_colours_are_those_of_the_profile(made):
    """A file that calls its red what sRGB calls something else comes out as what was meant."""
    import struct

    def swapped():
        profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
        count = struct.unpack(">I", profile[128:132])[0]
        places = {bytes(profile[132 + 12 * n : 136 + 12 * n]): 136 + 12 * n for n in range(count)}
        red, green = places[b"rXYZ"], places[b"gXYZ"]
        profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
        return bytes(profile)

    body = encoded(Image.new("RGB", (20, 20), (255, 0, 0)), "PNG", icc_profile=swapped())

    red, green, _ = made(body)[1].convert("RGB").getpixel((5, 5))

    assert green > 200 > 100 > red


def test_a_profile_that_makes_no_sense_is_left_out(made):
    body = encoded(scene(), "PNG", icc_profile=b"\x00" * 200)

    assert distance(made(body)[1], scene()) <= 4


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (96, 64)),
        ({"width": 0}, (144, 96)),
        ({"height": 0}, (96, 64)),
        ({"fit": Fit.COVER}, (96, 96)),
        ({"fit": Fit.CONTAIN}, (96, 96)),
        ({"width": 2000, "height": 2000}, (240, 160)),
        ({"width": 480, "height": 480, "enlarge": True}, (480, 320)),
        ({"width": 400, "height": 400, "fit": Fit.COVER}, (160, 160)),
        ({"width": 400, "height": 400, "fit": Fit.COVER, "enlarge": True}, (400, 400)),
        ({"width": 400, "height": 300, "fit": Fit.CONTAIN}, (400, 300)),
        ({"width": 1, "height": 1}, (1, 1)),
    ],
    ids=str,
)
def test_sizes(made, fields, size):
    assert made(encoded(scene(), "PNG"), spec(**fields))[1].size == size


@pytest.mark.parametrize(
    ("gravity", "colour"),
    [(Gravity.WEST, (230, 60, 50)), (Gravity.EAST, (60, 190, 80)), (Gravity.NORTH_EAST, (60, 190, 80))],
    ids=str,
)
def test_a_cut_keeps_the_side_that_was_asked_for(made, gravity, colour):
    cut = made(encoded(scene(), "PNG"), spec(40, 80, fit=Fit.COVER, focus=anchor(gravity)))[1].convert("RGB")

    seen = cut.getpixel((20, 2))
    assert all(abs(one - other) < 12 for one, other in zip(seen, colour, strict=True)), seen


def test_a_focus_stays_in_view(made):
    """The disc is at a quarter of the width and a third of the height."""
    cut = made(encoded(scene(), "PNG"), spec(30, 30, fit=Fit.COVER, focus=(23, 31)))[1].convert("L")

    assert cut.getpixel((10, 9)) < 60


def test_padding_has_the_background_that_was_asked_for(made):
    padded = made(encoded(scene(), "PNG"), spec(96, 96, fit=Fit.CONTAIN, background="102030"))[1].convert("RGB")

    assert padded.getpixel((48, 2)) == (0x10, 0x20, 0x30)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_gives_its_first_frame_or_all_of_them_as_webp(made, tmp_path, kind):
    frames = [scene(), scene().transpose(Image.Transpose.ROTATE_180), scene().convert("L").convert("RGB")]
    body = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=90)
    still = made(body)[1]
    path = tmp_path / "animation"
    path.write_bytes(body)
    wanted = spec(kind=Format.WEBP, animated=True)

    moving = Image.open(io.BytesIO(render_animated(open_picture(path), (240, 160), wanted).body))

    assert distance(still, frames[0]) <= 4 and getattr(still, "n_frames", 1) == 1
    assert (moving.n_frames, moving.size) == (3, (96, 64))
    moving.seek(1)
    assert distance(moving, frames[1]) <= 12 < distance(moving, frames[0])


def test_a_jpeg_is_decoded_no_larger_than_is_needed(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(encoded(scene(2400, 1600), "JPEG"))
    picture = open_picture(path)

    base = decode(picture, (spec(150, 150),))

    assert base.size == (300, 200)
    assert distance(fitted(base, (2400, 1600), spec(150, 150)), scene()) <= 4


def test_a_jpeg_that_holds_several_is_its_first(tmp_path):
    """Pillow would take it for another format, with other code."""
    path = tmp_path / "several"
    several = encoded(scene(), "MPO", save_all=True, append_images=[scene()])
    path.write_bytes(several)

    picture = open_picture(path)

    assert type(picture) is JpegImagePlugin.JpegImageFile and decode(picture, (spec(),)).size == (240, 160)


def test_exif_is_told_of_an_allow_list(tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(with_exif(1))

    assert exif_of(open_picture(path)) == {
        "camera": "Secret-Studio-Name Model 1",
        "taken_at": "2026-05-01T10:20:30",
        "gps": {"latitude": -33.858611, "longitude": 151.214167},
    }


def test_the_colours_of_a_picture_are_told_the_most_of_all_first():
    picture = Image.new("RGB", (100, 100), (10, 20, 30))
    picture.paste((200, 100, 50), (0, 0, 100, 30))

    assert dominant(picture)[:2] == ["#0a141e", "#c86432"]


def test_the_placeholder_of_a_picture_is_short_and_its_own():
    assert len(blurhash(scene())) == 28
    assert blurhash(scene()) != blurhash(scene().transpose(Image.Transpose.ROTATE_180))
    assert blurhash(to_srgb(Image.new("L", (5, 5), 200))) == blurhash(Image.new("RGB", (9, 9), (200, 200, 200)))
