"""The recipes that ship with EdgeSDK, one .toml file each."""
