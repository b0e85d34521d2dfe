# Installs and tests a Homebrew formula as Homebrew does, but without Homebrew.
#
# usage: formula.rb FORMULA FOLDER PREFIX, where FOLDER contains the files of the archive
require "fileutils"
require "open3"
require "pathname"

class Pathname
  def install(file)
    mkpath
    FileUtils.cp(file, self)
  end

  def install_symlink(links)
    mkpath
    links.each { |target, name| FileUtils.ln_s(target, self / name) }
  end

  alias write_here write
  def write(text)
    dirname.mkpath
    write_here(text)
  end
end

module Utils
  def self.safe_popen_read(*command)
    text, status = Open3.capture2(*command.map(&:to_s))
    raise "#{command} failed" unless status.success?

    text
  end
end

HOMEBREW_PREFIX = "/opt/homebrew"

class Formula
  MACHINE = RbConfig::CONFIG["host_cpu"]

  class << self
    attr_reader :archive, :check

    def url(address) = @archive = File.basename(address)
    def on_linux = yield
    def on_macos = nil
    def on_intel = (yield if MACHINE == "x86_64")
    def on_arm = (yield if MACHINE != "x86_64")
    def test(&block) = @check = block
    %i[desc homepage version license sha256].each { |name| define_method(name) { |*| nil } }
  end

  def prefix = Pathname(ARGV[2])
  def testpath = prefix.parent / "test"
  def bin = prefix / "bin"
  def lib = prefix / "lib"
  def man = prefix / "share/man"
  def man1 = man / "man1"
  def bash_completion = prefix / "etc/bash_completion.d"
  def fish_completion = prefix / "share/fish/vendor_completions.d"

  COMPLETIONS = {
    bash: "etc/bash_completion.d/%s", zsh: "share/zsh/site-functions/_%s",
    fish: "share/fish/vendor_completions.d/%s.fish", pwsh: "share/pwsh/completions/_%s.ps1"
  }.freeze

  def generate_completions_from_executable(*command, base_name:, shells:)
    shells.each { |shell| (prefix / format(COMPLETIONS[shell], base_name)).write Utils.safe_popen_read(*command, shell) }
  end

  def pipe_output(command, input, expected)
    text, status = Open3.capture2("sh", "-c", command, stdin_data: input)
    raise "#{command} ended with #{status.exitstatus}" unless status.exitstatus == expected

    text
  end

  def assert_match(part, text) = (raise "no #{part} in #{text}" unless text.include?(part))
end

HOMEBREW_PREFIX = ARGV[2]

require File.expand_path(ARGV[0])
Dir.chdir(ARGV[1])
formula = DockerCredentialEnsign.new
formula.install
formula.instance_eval(&DockerCredentialEnsign.check)
puts DockerCredentialEnsign.archive, formula.caveats
