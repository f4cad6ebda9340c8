"""Put lm_eval_illusion.pth beside the package, in a wheel and in an editable install; all else is in pyproject.toml."""

from pathlib import Path
from shutil import copy

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

PTH = "lm_eval_illusion.pth"


class BuildWithPth(build_py):
    """Put the file into the build folder, the root of a wheel: pip copies the files there to site-packages."""

    def run(self):
        """Build as usual, then add the file."""
        super().run()
        if not self.editable_mode:
            Path(self.build_lib).mkdir(parents=True, exist_ok=True)
            copy(PTH, self.build_lib)


class EditableWithPth(editable_wheel):
    """Put the file into the unpacked folder of an editable wheel, which has only links to the sources."""

    def _run_build_commands(self, dist_name, unpacked_wheel, build_lib, tmp_dir):
        copy(PTH, unpacked_wheel)
        return super()._run_build_commands(dist_name, unpacked_wheel, build_lib, tmp_dir)


setup(cmdclass={"build_py": BuildWithPth, "editable_wheel": EditableWithPth})
