"""Where Kafka's jars and Java are found, and how the jars are fetched."""

import re
import shutil
import subprocess
from pathlib import Path

from schemas.errors import Code, LackingError

CHECKOUT = Path(__file__).resolve().parents[2]
DEFAULT_LIB = CHECKOUT / ".kafka" / "lib"
POM = CHECKOUT / "deploy" / "kafka" / "pom.xml"
# 45 MB; a slow line takes minutes, a line that is down should not take for ever.
FETCH_TIMEOUT_S = 900.0


def find_java(java: str | None = None) -> str:
    """The java command. Raises LackingError (java_missing)."""
    found = shutil.which(java or "java")
    if found is None:
        raise LackingError(
            Code.JAVA_MISSING, "a real Kafka needs Java 17 or newer", hint="install a JRE, or use the embedded broker"
        )
    return found


def kafka_version(lib_dir: Path) -> str:
    """The version of the jars in a folder. Raises LackingError (jars_missing) where Kafka is not among them."""
    for jar in sorted(lib_dir.glob("kafka_2.13-*.jar")):
        match = re.fullmatch(r"kafka_2\.13-(\d[\w.]*)\.jar", jar.name)
        # Without the logging binding the broker runs but says nothing, so a failure could not be explained.
        if match and any(lib_dir.glob("log4j-slf4j-impl-*.jar")):
            return match[1]
    raise LackingError(Code.JARS_MISSING, "Kafka's jars are missing", where=str(lib_dir), hint="make kafka")


def fetch(lib_dir: Path = DEFAULT_LIB, pom: Path = POM) -> str:
    """Have Maven put the jars into `lib_dir` unless they are there, and answer their version.

    Raises LackingError (jars_missing) where Maven or the pom is missing, or Maven fails.
    """
    try:
        return kafka_version(lib_dir)
    except LackingError:
        maven = shutil.which("mvn")
        if maven is None or not pom.is_file():
            raise LackingError(
                Code.JARS_MISSING,
                "Kafka's jars are missing and "
                + ("there is no mvn to fetch them" if maven is None else "no pom is here"),
                where=str(lib_dir if maven is None else pom),
                hint="install Maven, or put the jars there",
            ) from None
    command = [
        maven,
        "-q",
        "-B",
        "-f",
        str(pom),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={lib_dir.resolve()}",
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
        said = (done.stdout + done.stderr).strip().splitlines()
    except subprocess.TimeoutExpired:
        done, said = None, [f"no answer in {FETCH_TIMEOUT_S:.0f} s"]
    if done is None or done.returncode != 0:
        errors = [line for line in said if "ERROR" in line][:1] or said[-1:]
        raise LackingError(
            Code.JARS_MISSING,
            "Maven could not fetch Kafka's jars",
            where=" ".join(errors),
            hint="is Maven Central reachable?",
        )
    return kafka_version(lib_dir)
