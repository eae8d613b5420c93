import Foundation
import PackagePlugin

/// Compiles `proto/*.schema` while building: messages for `Protocol`, conversion from JSON for the conformance tests.
@main
struct SchemaPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let compiler = try context.tool(named: "SchemaCompiler").url
        let folder = context.package.directoryURL.appending(path: "proto")
        let schemas = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "schema" }
            .sorted { $0.path < $1.path }
        let isForTests = (target as? any SourceModuleTarget)?.kind == .test
        let output = context.pluginWorkDirectoryURL
        let json = output.appending(path: "VectorCodecs.swift")
        let sources = schemas.map { schema in
            output.appending(path: schema.deletingPathExtension().lastPathComponent + ".swift")
        }
        let paths = schemas.map { $0.path(percentEncoded: false) }
        let task =
            isForTests ? ["json", json.path(percentEncoded: false)] : ["swift", output.path(percentEncoded: false)]
        return [
            .buildCommand(
                displayName: "Compiling the schema for \(target.name)",
                executable: compiler,
                arguments: task + paths,
                inputFiles: schemas,
                outputFiles: isForTests ? [json] : sources)
        ]
    }
}
