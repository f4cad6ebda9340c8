"""Puts lm_eval_illusion.pth beside the package, in a wheel and in an editable install; all else is in pyproject.toml."""

from pathlib import Path
from shutil import copy

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

PTH = "lm_eval_illusion.pth"


class BuildWithPth(build_py):
    """A wheel's root is the build folder: what lies there lands in site-packages."""

    def run(self):
        """Build as ever, then add the file."""
        super().run()
        if not self.editable_mode:
            Path(self.build_lib).mkdir(parents=True, exist_ok=True)
            copy(PTH, self.build_lib)


class EditableWithPth(editable_wheel):
    """An editable wheel holds only links to the sources, so the file is put into its unpacked folder."""

    def _run_build_commands(self, dist_name, unpacked_wheel, build_lib, tmp_dir):
        copy(PTH, unpacked_wheel)
        return super()._run_build_commands(dist_name, unpacked_wheel, build_lib, tmp_dir)


setup(cmdclass={"build_py": BuildWithPth, "editable_wheel": EditableWithPth})
