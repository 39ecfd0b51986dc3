// Loaded into every process of a build: what would fetch something fails instead.
globalThis.fetch = async (url) => {
	throw new Error(`the build of a dashboard asks for ${url}`);
};
