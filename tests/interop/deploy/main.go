// Loads docker-compose.yml with the library that docker compose loads it with, and turns the
// Dockerfile into build steps with BuildKit's frontend. Prints what came of it as JSON.
//
//	deploy compose FOLDER PROFILE   the project as docker compose would start it
//	deploy dockerfile FILE TARGET   the configuration of that target's image, and all warnings
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
)

const (
	baseDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	baseConfig = `{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}, "config": {}}`
)

// noRegistry answers for every base image without asking a registry: an image without settings.
type noRegistry struct{}

func (noRegistry) ResolveImageConfig(
	_ context.Context, ref string, _ sourceresolver.Opt,
) (string, digest.Digest, []byte, error) {
	return ref, baseDigest, []byte(baseConfig), nil
}

func main() {
	ctx := context.Background()
	if len(os.Args) != 4 {
		fail(fmt.Errorf("deploy compose FOLDER PROFILE | deploy dockerfile FILE TARGET"))
	}
	read := map[string]func(context.Context, string, string) (any, error){
		"compose": project, "dockerfile": image,
	}[os.Args[1]]
	if read == nil {
		fail(fmt.Errorf("no such command: %s", os.Args[1]))
	}
	found, err := read(ctx, os.Args[2], os.Args[3])
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail(err)
	}
}

func project(ctx context.Context, folder, profile string) (any, error) {
	options, err := cli.NewProjectOptions(
		nil, cli.WithWorkingDirectory(folder), cli.WithProfiles([]string{profile}),
		cli.WithOsEnv, cli.WithEnvFiles(), cli.WithDotEnv, cli.WithDefaultConfigPath,
	)
	if err != nil {
		return nil, err
	}
	return options.LoadProject(ctx)
}

func image(ctx context.Context, file, target string) (any, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	warnings := []string{}
	options := dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{Target: target},
		MetaResolver: noRegistry{},
		SourceMap:    llb.NewSourceMap(nil, file, "Dockerfile", data),
		Warn: func(rule, _, _, message string, _ []parser.Range) {
			warnings = append(warnings, rule+": "+message)
		},
		AllStages: true,
	}
	result, err := dockerfile2llb.Dockerfile2LLB(ctx, data, options)
	if err != nil {
		return nil, err
	}
	return map[string]any{"image": result.Image, "warnings": warnings}, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
