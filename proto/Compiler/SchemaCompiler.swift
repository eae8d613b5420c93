@main struct SchemaCompiler {
    static func main() {}
}
