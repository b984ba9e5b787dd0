import Glibc
import TallyCLI

exit(await CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
