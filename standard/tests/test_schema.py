"""Versions: packaged, registered, damaged; validation by many threads."""

from __future__ import annotations

import io
import shutil
import tempfile
import threading
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from .. import PackageError, UnknownVersion, load, register, register_folder, schema, versions
from . import common
from .common import consulta, lote


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return buffer.getvalue()


def package_files(version: str = "4.03.00") -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in load(version).folder.glob("*.xsd")}


class TestVersions(unittest.TestCase):
    def test_packaged(self) -> None:
        self.assertLessEqual(set(common.PACKAGED), set(versions()))
        for version in common.PACKAGED:
            self.assertEqual(load(version).version, version)
            self.assertIs(load(version), load(version))

    def test_unknown_version_names_those_installed(self) -> None:
        with self.assertRaises(UnknownVersion) as caught:
            load("3.05.00")
        for version in common.PACKAGED:
            self.assertIn(version, str(caught.exception))

    def test_changed_file_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(load("4.03.00").folder, Path(folder) / "4.03.00"))
            self.assertTrue(schema._checked_root("4.03.00", copy).exists())
            path = copy / "tissV4_03_00.xsd"
            path.write_bytes(path.read_bytes() + b"<!-- -->")
            with self.assertRaises(PackageError):
                schema._checked_root("4.03.00", copy)

    def test_changed_provenance_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(load("4.03.00").folder, Path(folder) / "4.03.00"))
            provenance = copy / "provenance.json"
            provenance.write_text(provenance.read_text() + " ")
            with mock.patch.object(schema, "_packaged", return_value={"4.03.00": copy}):
                with self.assertRaises(PackageError):
                    schema._checked_root("4.03.00", copy)

    @unittest.skipUnless(common.ZIP_401.exists(), common.NO_ZIPS)
    def test_ans_zips(self) -> None:
        common.schemas()
        self.assertEqual(versions()[0], "4.01.00")
        old = load("4.01.00")
        xml = old.encode(lote(version="4.01.00"))
        self.assertTrue(old.validate(xml))
        self.assertFalse(old.validate(load("4.03.00").encode(lote())))
        self.assertEqual(register(common.ZIP_401.read_bytes()), "4.01.00")
        self.assertEqual(register(str(common.ZIP_403)), "4.03.00")

    @unittest.skipUnless(common.ZIP_401.exists(), common.NO_ZIPS)
    def test_a_new_process_finds_the_folder(self) -> None:
        common.schemas()
        kept = load("4.01.00").folder.parent
        with (
            mock.patch.dict(schema._registered, clear=True),
            mock.patch.dict(schema._loaded, clear=True),
        ):
            with self.assertRaises(UnknownVersion):
                load("4.01.00")
            self.assertEqual(register_folder(kept), ["4.01.00"])
            self.assertTrue(
                load("4.01.00").validate(load("4.01.00").encode(lote(version="4.01.00")))
            )


class TestBadPackages(unittest.TestCase):
    def assert_refused(self, source: object) -> None:
        before = versions()
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(PackageError):
                register(source, folder)
            self.assertEqual([each.name for each in Path(folder).iterdir()], [])
        self.assertEqual(versions(), before)

    def renamed(self, **changes: bytes) -> dict[str, bytes]:
        """The files of 4.03.00 under the names of a version 4.99.00."""
        found = {
            name.replace("V4_03_00", "V4_99_00"): data.replace(b"V4_03_00", b"V4_99_00")
            for name, data in package_files().items()
        }
        found.update({name.replace("__", "."): data for name, data in changes.items()})
        return found

    def test_not_a_zip(self) -> None:
        for source in (b"", b"PK", b"<x/>", zipped({})[:-4], zipped(package_files())[:5000]):
            self.assert_refused(source)
        self.assert_refused("/nonexistent/file.zip")

    def test_not_a_package(self) -> None:
        self.assert_refused(zipped({}))
        self.assert_refused(zipped({"readme.txt": b"x"}))
        self.assert_refused(zipped({**package_files(), **package_files("4.02.00")}))

    def test_incomplete(self) -> None:
        files = self.renamed()
        del files["tissGuiasV4_99_00.xsd"]
        self.assert_refused(zipped(files))

    def test_other_content_under_an_installed_version(self) -> None:
        files = package_files()
        files["tissV4_03_00.xsd"] += b"<!-- -->"
        self.assert_refused(zipped(files))

    def test_dangerous_content(self) -> None:
        doctype = b'<!DOCTYPE schema [<!ENTITY e "x">]><schema/>'
        self.assert_refused(zipped(self.renamed(tissV4_99_00__xsd=doctype)))
        other = (
            b'<schema xmlns="http://www.w3.org/2001/XMLSchema">'
            b'<include schemaLocation="%s"/></schema>'
        )
        for location in (b"http://127.0.0.1:9/x.xsd", b"/etc/passwd", b"../x.xsd"):
            self.assert_refused(zipped(self.renamed(tissV4_99_00__xsd=other % location)))
        files = self.renamed()
        files["xmldsig-core-schema.xsd"] += b"<!-- -->"
        self.assert_refused(zipped(files))
        self.assert_refused(zipped(self.renamed(tissV4_99_00__xsd=b"no xml")))
        self.assert_refused(zipped(self.renamed(tissV4_99_00__xsd=b"<schema/>")))

    def test_bombs(self) -> None:
        self.assert_refused(zipped(self.renamed(big__xsd=b" " * 40_000_000)))
        self.assert_refused(zipped({f"{number}.xsd": b"" for number in range(501)}))

    def test_damaged_however_it_was_packed(self) -> None:
        for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", compression) as opened:
                opened.writestr("a.xsd", bytes(range(256)) * 40)
            content = buffer.getvalue()
            self.assert_refused(content[:49] + b"\xff" * 8 + content[57:])

    def test_names_cannot_leave_the_folder(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            inner = Path(folder) / "inner"
            files = {f"../../{name}": data for name, data in self.renamed().items()}
            files["../evil.txt"] = b"x"
            self.assertEqual(register(zipped(files), inner), "4.99.00")
            self.addCleanup(schema._registered.pop, "4.99.00")
            self.addCleanup(schema._loaded.pop, "4.99.00")
            self.assertEqual([each.name for each in Path(folder).iterdir()], ["inner"])
            self.assertEqual([each.name for each in inner.iterdir()], ["4.99.00"])
            self.assertTrue(load("4.99.00").validate(load("4.99.00").encode(lote())))


class TestThreads(unittest.TestCase):
    def test_validation_keeps_errors_apart(self) -> None:
        schema = load("4.03.00")
        good = schema.encode(lote(*map(consulta, range(20))))
        bad = [
            good.replace(
                f"<ans:numeroGuiaPrestador>{number}<".encode(),
                f"<ans:numeroGuiaPrestador>{'9' * 21}<".encode(),
            )
            for number in range(8)
        ]
        failures: list[str] = []

        def work(number: int) -> None:
            for _ in range(8):
                if not schema.validate(good) or schema.validate(bad[number]):
                    failures.append(f"verdict {number}")
                found = [(each.code, each.path) for each in schema.explain(bad[number])]
                path = f"{common.GUIAS_PATH}[{number + 1}]/cabecalhoConsulta/numeroGuiaPrestador"
                if found != [("too_long", path)]:
                    failures.append(f"explained {number}: {found}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(failures, [])

    def test_validators_are_used_by_one_at_a_time_and_again(self) -> None:
        fresh = schema.Schema("4.03.00", load("4.03.00")._root)
        with fresh._validator() as first, fresh._validator() as second:
            self.assertIsNot(first, second)
        for _ in range(3):
            with fresh._validator() as again:
                self.assertIn(again, (first, second))
        with self.assertRaises(ZeroDivisionError), fresh._validator():
            raise ZeroDivisionError
        self.assertEqual(len(fresh._idle), 2)

    def test_one_plan_for_all_threads(self) -> None:
        fresh = schema.Schema("4.03.00", load("4.03.00")._root)
        found: list[object] = []
        threads = [threading.Thread(target=lambda: found.append(fresh.plan)) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(len({id(each) for each in found}), 1)
