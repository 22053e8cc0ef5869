"""Pictures made ready for mail: upright, light, without what a camera wrote, and what is refused in words."""

import io
import random
import struct
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms, ImageDraw, ImageOps

from newsletter.media import BadPicture, prepare
from newsletter.media.prepare import HEAVIEST, MOST_PIXELS

GPS, ORIENTATION = 0x8825, 0x0112


def encoded(image: Image.Image, kind: str = "JPEG", **how: object) -> io.BytesIO:
    """The file of a picture."""
    out = io.BytesIO()
    image.save(out, kind, **how)
    out.seek(0)
    return out


def photo(width: int = 3000, height: int = 2000) -> Image.Image:
    """Something with as much detail as a photo."""
    noise = Image.effect_noise((max(width // 8, 1), max(height // 8, 1)), 60).resize((width, height))
    return Image.merge("RGB", (noise, noise.rotate(90).resize((width, height)), noise))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_photo_becomes_light_and_at_most_twice_as_wide_as_it_is_shown() -> None:
    made = prepare(encoded(photo()))
    assert (made.width, made.height, made.suffix) == (544, 363, "jpg")
    assert opened(made.data).size == (1088, 726)
    assert len(made.data) <= HEAVIEST
    assert made.name.endswith("-544x363.jpg")


def test_a_small_one_is_not_blown_up() -> None:
    made = prepare(encoded(photo(300, 200)))
    assert opened(made.data).size == (made.width, made.height) == (300, 200)


def test_where_it_was_taken_is_not_kept_and_it_stands_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "A camera"
    exif.get_ifd(GPS)[1] = "N"
    made = prepare(encoded(photo(400, 200), exif=exif, comment=b"Jane's house"))
    seen = opened(made.data)
    assert seen.size == (200, 400)
    assert dict(seen.getexif()) == {}
    assert b"A camera" not in made.data
    assert b"Jane" not in made.data
    assert {"exif", "comment", "icc_profile", "xmp"} & set(seen.info) == set()


@pytest.mark.parametrize(("tag", "kind"), [(0x100, 2), (0x10E, 5), (0x10E, 11), (0x111, 7), (0xA005, 2), (0x8825, 13)])
def test_a_camera_that_wrote_nonsense_spoils_no_picture(tag: int, kind: int) -> None:
    """A tag of a type that it never has (TIFF 6.0 §2): Pillow fails while it writes the others anew."""
    fields = ((ORIENTATION, 3, b"\6\0\0\0"), (tag, kind, b"\7\0\0\0"))
    tags = b"".join(struct.pack("<HHI", one, type, 1) + value for one, type, value in fields)
    written = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + tags + b"\0\0\0\0"
    made = prepare(encoded(Image.new("RGB", (80, 40), "teal"), exif=written))
    assert (made.width, made.height) == (40, 80), "and it stands upright all the same"


@pytest.mark.parametrize("way", range(9))
def test_however_the_camera_was_held(way: int) -> None:
    image = Image.new("RGB", (60, 40), "teal")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[ORIENTATION] = way
    made = opened(prepare(encoded(image, "PNG", exif=exif)).data).convert("RGB")
    upright = ImageOps.exif_transpose(opened(encoded(image, "PNG", exif=exif).getvalue()))
    assert (made.size, made.tobytes()) == (upright.size, upright.tobytes())


def test_whatever_pillow_stumbles_over_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object, **__: object) -> None:
        raise struct.error("unpack requires a buffer of 4 bytes")

    monkeypatch.setattr(Image, "open", stumble)
    with pytest.raises(BadPicture, match="cannot be read as a picture"):
        prepare(io.BytesIO(b"x"))


def test_a_drawing_stays_sharp_and_transparency_stays() -> None:
    drawing = Image.new("RGB", (800, 600), "white")
    ImageDraw.Draw(drawing).line((0, 0, 800, 600), fill="black", width=5)
    assert prepare(encoded(drawing, "PNG")).suffix in ("png", "jpg")
    clear = Image.new("RGBA", (200, 100), (255, 0, 0, 0))
    made = prepare(encoded(clear, "WEBP", lossless=True))
    assert made.suffix == "png"
    assert opened(made.data).convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_transparency_with_much_detail_is_made_light_too() -> None:
    random.seed(4)
    noise = Image.frombytes("RGBA", (300, 300), random.randbytes(300 * 300 * 4))
    made = prepare(encoded(noise, "PNG"))
    assert made.suffix == "png"
    assert len(made.data) <= HEAVIEST


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "LA", "I;16", "RGBX"])
def test_every_kind_of_colours_is_taken(mode: str) -> None:
    image = Image.new("L", (60, 40), 90).convert("I;16") if mode == "I;16" else Image.new("RGB", (60, 40)).convert(mode)
    kind = "JPEG" if mode in ("CMYK", "L", "RGBX") else "PNG"
    image = image.convert("RGB") if mode == "RGBX" else image
    assert prepare(encoded(image, kind)).width == 60


def test_a_wide_profile_is_brought_to_the_colours_that_mail_programs_take_for_granted() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    unfit = encoded(photo(60, 40), icc_profile=profile.tobytes())
    assert prepare(unfit).width == 60
    assert prepare(encoded(photo(60, 40), icc_profile=b"no profile")).width == 60
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    assert "icc_profile" not in opened(prepare(encoded(photo(60, 40), icc_profile=srgb.tobytes())).data).info


def test_the_same_picture_has_the_same_name_and_another_one_has_another() -> None:
    sent = encoded(photo(90, 60), "PNG").read()
    assert prepare(io.BytesIO(sent)).name == prepare(io.BytesIO(sent)).name
    assert prepare(io.BytesIO(sent)).name != prepare(encoded(Image.new("RGB", (90, 60)))).name


def test_a_short_animation_stays_and_a_long_one_is_refused() -> None:
    frames = [Image.new("RGB", (50, 40), colour) for colour in ("red", "lime", "blue", "black")]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    made = prepare(moving)
    assert (made.suffix, made.width, made.height) == ("gif", 50, 40)
    assert opened(made.data).n_frames == 4  # type: ignore[attr-defined]
    noisy = [Image.effect_noise((400, 300), 90) for _ in range(4)]
    with pytest.raises(BadPicture, match="200 kB at most"):
        prepare(encoded(noisy[0], "GIF", save_all=True, append_images=noisy[1:]))


def huge() -> io.BytesIO:
    """A few octets that would unpack to gigabytes."""
    return encoded(Image.new("1", (MOST_PIXELS // 4000 + 1, 4000)), "PNG")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: io.BytesIO(b""), "cannot be read as a picture"),
        (lambda: io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"), "cannot be read"),
        (lambda: io.BytesIO(encoded(photo(300, 200)).read()[:900]), "cannot be read"),
        (lambda: encoded(photo(60, 40), "TIFF"), "cannot be read"),
        (huge, "Make it smaller"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(made: Callable[[], io.BytesIO], told: str) -> None:
    with pytest.raises(BadPicture, match=told):
        prepare(made())


def test_a_very_tall_one_is_shown_no_higher_than_anybody_scrolls() -> None:
    made = prepare(encoded(Image.new("RGB", (500, 9000), "white"), "PNG"))
    assert (made.width, made.height) == (167, 3000)
