# Installs a verified release of Ensign for one Windows user, without administrator rights.
#
#   irm ADDRESS/install.ps1 | iex
#   & ([scriptblock]::Create((irm ADDRESS/install.ps1))) -Version 0.2.0
#
# The script verifies the signature as install.sh does, and installs nothing if no tool for that is present: .NET has no
# Ed25519, and a program that was just downloaded cannot verify itself. PowerShell 5.1, which Windows contains, can run
# this script.
param(
    [string] $Version = '',
    [string] $Prefix = "$env:LOCALAPPDATA\Programs\ensign",
    [switch] $Uninstall
)

# Copies of values in packaging/release.facts; a test compares them.
$RELEASES = 'https://forge.example/ensign/ensign/releases'
$PUBLIC_KEY = ''
$REPOSITORY = 'https://forge.example/ensign/ensign'

$Program = 'docker-credential-ensign.exe'
$Links = 'ensign.exe', 'docker-ensign.exe', 'docker-credential-atcr.exe'
# A 32-bit PowerShell sees the folder with the programs of a 64-bit Windows under another name.
$System = "$env:SystemRoot\$(if (Test-Path "$env:SystemRoot\Sysnative") { 'Sysnative' } else { 'System32' })"

function Main {
    $ErrorActionPreference = 'Stop'
    $Prefix = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Prefix) # .NET has another current folder
    $bin = Join-Path $Prefix 'bin'
    if ($Uninstall) { return Remove-Ensign $bin }
    if (-not $PUBLIC_KEY) { throw "There is no signed release of Ensign yet; nothing was changed. Build it from source: git clone $REPOSITORY" }
    $machine = if ($env:PROCESSOR_ARCHITEW6432) { $env:PROCESSOR_ARCHITEW6432 } else { $env:PROCESSOR_ARCHITECTURE }
    if ($machine -notin 'AMD64', 'ARM64') { throw "There is no release for $machine; nothing was changed." }
    foreach ($tool in 'curl.exe', 'tar.exe') {
        if (-not (Test-Path "$System\$tool")) { throw "$tool is needed, which Windows 10 has since 1803; nothing was changed." }
    }
    New-Item -ItemType Directory -Force $bin | Out-Null
    $stage = Join-Path $bin ('.ensign-install.' + [guid]::NewGuid().ToString('N').Substring(0, 6))
    New-Item -ItemType Directory $stage | Out-Null
    try {
        $new = Get-Release $stage
        Set-Program $new $bin
    } finally {
        Remove-Item -Recurse -Force $stage
        Remove-Empty $bin $Prefix
    }
    Add-ToPath $bin
    Write-Host "Installed $bin\$Program"
    Write-Host "Next, in a new terminal:`n  ensign login ghcr.io        add an account`n  ensign configure-docker     let Docker ask Ensign"
}

# Downloads a release's program into the stage folder. The signature is verified before any other file is used.
function Get-Release($stage) {
    $from = if ($Version) { "$RELEASES/download/v$($Version.TrimStart('v'))" } else { "$RELEASES/latest/download" }
    Get-File "$from/SHA256SUMS.minisig" "$stage\SHA256SUMS.minisig" 65536
    Get-File "$from/SHA256SUMS" "$stage\SHA256SUMS" 65536
    $comment = Confirm-Signature $stage
    if ($comment -notmatch '^ensign (\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?)$') { throw "The signature is for ``$comment``, which is not a version; nothing was changed." }
    $found = $Matches[1]
    if ($Version -and $Version.TrimStart('v') -ne $found) { throw "The signature is for version $found, but $Version was requested; nothing was changed." }
    if (-not $Version -and $found -like '*-*') { throw "The newest release, $found, is a pre-release; nothing was changed. To take it: -Version $found" }
    $there = Join-Path (Join-Path $Prefix 'bin') $Program
    if (-not $Version -and (Test-Path $there)) {
        $ours = try { [version](((& $there version) -split ' ')[-1] -replace '-.*') } catch { $null } # it may be damaged
        if ($ours -and [version]($found -replace '-.*') -lt $ours) {
            throw "The newest release there is $found, older than $ours, which is installed; nothing was changed. To go back to it: -Version $found"
        }
    }
    $name = "ensign-$found-x86_64-pc-windows-gnu" # Windows on ARM runs this program too
    $lines = @(Get-Content "$stage\SHA256SUMS" | Where-Object { $_ -match "^[0-9a-f]{64}  $([regex]::Escape($name))\.tar\.gz$" })
    if ($lines.Count -ne 1) { throw "Release $found has no program for Windows; nothing was changed." }
    Get-File "$RELEASES/download/v$found/$name.tar.gz" "$stage\archive.tar.gz" 67108864
    $sum = (Get-FileHash -Algorithm SHA256 "$stage\archive.tar.gz").Hash.ToLowerInvariant()
    if ($sum -ne $lines[0].Substring(0, 64)) { throw "$name.tar.gz is not the signed file: its checksum differs; nothing was changed." }
    # Unpacks this one file only. tar.exe writes nothing outside the folder, neither through `..` nor through links.
    & "$System\tar.exe" -xzf "$stage\archive.tar.gz" -C $stage "$name/$Program"
    $new = "$stage\$name\$Program"
    if ($LASTEXITCODE -or -not (Test-Path -PathType Leaf $new)) { throw "$name.tar.gz contains no $Program; nothing was changed." }
    $says = ((& $new version) -split ' ')[-1]
    if ($says -ne $found) { throw "The program of the release says that it is $says, not $found; nothing was changed." }
    return $new
}

# Downloads a file of at most $most bytes. curl.exe can resume a download, and uses the proxy in https_proxy.
function Get-File($address, $file, $most) {
    $options = '--silent', '--show-error', '--fail', '--location', '--proto', '=https', '--proto-redir', '=https', '--max-redirs', '5',
        '--connect-timeout', '20', '--max-time', '900', '--max-filesize', $most, '--continue-at', '-', '--output', $file, $address
    foreach ($attempt in 1..5) {
        & "$System\curl.exe" @options
        if ($LASTEXITCODE -eq 0) { return }
        if ($LASTEXITCODE -eq 33 -and (Test-Path $file)) { Remove-Item $file } # the server cannot resume the download
        elseif ($LASTEXITCODE -notin 18, 28, 52, 56, 92) { break }
        Start-Sleep 1
    }
    throw "Could not fetch $address, for the reason above; nothing was changed."
}

# Verifies the signature of SHA256SUMS and returns its trusted comment. The tool is minisign, or else OpenSSL 3, which
# Git for Windows contains.
function Confirm-Signature($stage) {
    $lines = @(Get-Content "$stage\SHA256SUMS.minisig")
    if ($lines.Count -lt 4 -or $lines[1].Length -ne 100 -or $lines[2] -notlike 'trusted comment: *') { throw 'SHA256SUMS.minisig is not a signature of minisign; nothing was changed.' }
    if ($lines[1].Substring(2, 11) -cne $PUBLIC_KEY.Substring(2, 11)) { throw 'The release is signed with another key than the one trusted here; nothing was changed.' }
    $comment = $lines[2].Substring(17)
    $changed = 'SHA256SUMS or its signature was changed after signing; nothing was changed here. Report it if it happens twice.'
    if (Get-Command minisign -ErrorAction SilentlyContinue) {
        minisign -V -q -P $PUBLIC_KEY -m "$stage\SHA256SUMS" -x "$stage\SHA256SUMS.minisig" | Out-Null
        if ($LASTEXITCODE) { throw $changed }
        return $comment
    }
    $openssl = @('openssl.exe', "$env:ProgramFiles\Git\mingw64\bin\openssl.exe", "$env:ProgramFiles\Git\usr\bin\openssl.exe") |
        Where-Object { (Get-Command $_ -ErrorAction SilentlyContinue) -and ((& $_ version) -match '^OpenSSL [3-9]') } | Select-Object -First 1
    if (-not $openssl) { throw 'minisign or OpenSSL 3 is needed to verify a release; nothing was changed. Install one, then try again: winget install jedisct1.minisign' }
    try { $signature, $global, $key = [Convert]::FromBase64String($lines[1]), [Convert]::FromBase64String($lines[3]), [Convert]::FromBase64String($PUBLIC_KEY) } catch { throw $changed }
    if ($lines[1] -cnotmatch '^RU[QRST]' -or $signature.Length -ne 74 -or $global.Length -ne 64 -or $key.Length -ne 42) { throw $changed }
    $head = [byte[]](0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00) # SubjectPublicKeyInfo of Ed25519, RFC 8410
    [IO.File]::WriteAllBytes("$stage\key", [byte[]]($head + $key[10..41]))
    [IO.File]::WriteAllBytes("$stage\signature", [byte[]]$signature[10..73])
    [IO.File]::WriteAllBytes("$stage\global", $global)
    [IO.File]::WriteAllBytes("$stage\commented", [byte[]]($signature[10..73] + [Text.Encoding]::UTF8.GetBytes($comment)))
    & $openssl dgst '-blake2b512' -binary -out "$stage\digest" "$stage\SHA256SUMS"
    if ($LASTEXITCODE) { throw 'OpenSSL could not compute BLAKE2b; nothing was changed. Install minisign: winget install jedisct1.minisign' }
    foreach ($pair in @('digest', 'signature'), @('commented', 'global')) {
        & $openssl pkeyutl -verify -pubin -keyform DER -inkey "$stage\key" -rawin -in "$stage\$($pair[0])" -sigfile "$stage\$($pair[1])" | Out-Null
        if ($LASTEXITCODE) { throw $changed }
    }
    return $comment
}

# Installs the new program. A running program can be renamed but not replaced. `ensign update --rollback` needs the old
# one.
function Set-Program($new, $bin) {
    $place, $previous = (Join-Path $bin $Program), (Join-Path $bin '.ensign-previous')
    if (Test-Path $place) { Clear-Name $previous; Move-Item $place $previous }
    try { Move-Item $new $place } catch { if (Test-Path $previous) { Move-Item $previous $place }; throw }
    foreach ($path in @(Get-LinkPath $bin)) {
        Clear-Name $path
        try { New-Item -ItemType HardLink -Path $path -Target $place | Out-Null } catch { Copy-Item $place $path } # FAT has no links
    }
    New-Item -ItemType Directory -Force "$Prefix\lib\ensign" | Out-Null
    [IO.File]::WriteAllText("$Prefix\lib\ensign\installed-from", "release`n") # `ensign update` reads it
}

# Frees the name of a program. The program may run, and a running program can be renamed but not removed.
function Clear-Name($path) {
    if (-not (Test-Path $path)) { return }
    $old = "$path.$PID.old"
    Move-Item -Force $path $old
    Remove-Item -Force $old -ErrorAction SilentlyContinue
}

# Returns the paths of the links to the program: its short names, the pinned helpers, and Docker's plugin if Docker has a
# folder for plugins.
function Get-LinkPath($bin) {
    $Links | ForEach-Object { Join-Path $bin $_ }
    Get-ChildItem -Force $bin -Filter 'docker-credential-ensign-*.exe' | ForEach-Object { $_.FullName }
    $docker = if ($env:DOCKER_CONFIG) { $env:DOCKER_CONFIG } else { "$env:USERPROFILE\.docker" }
    if (Test-Path "$docker\cli-plugins") { "$docker\cli-plugins\docker-ensign.exe" }
}

# Edits the user's PATH in the registry without expanding its %NAMES%.
function Edit-Path([scriptblock] $edit) {
    $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey('Environment', $true)
    $folders = @("$($key.GetValue('Path', '', 'DoNotExpandEnvironmentNames'))" -split ';' | Where-Object { $_ })
    $edited = @(& $edit $folders)
    if (($edited -join ';') -ne ($folders -join ';')) {
        $key.SetValue('Path', ($edited -join ';'), 'ExpandString')
        [Environment]::SetEnvironmentVariable('ENSIGN_PATH_CHANGED', $null, 'User') # makes Explorer read PATH again
    }
    $key.Close()
}

function Add-ToPath($bin) {
    Edit-Path { param($folders) if ($folders -contains $bin) { $folders } else { @($bin) + $folders } }
}

function Remove-Ensign($bin) {
    $place = Join-Path $bin $Program
    if (-not (Test-Path $place)) { Write-Host "Ensign is not installed in $bin"; return }
    & $place configure-docker --undo
    if ($LASTEXITCODE) { throw "Docker's settings could not be put back, so nothing was removed." }
    foreach ($path in @(Get-LinkPath $bin) + $place) { Remove-Item -Force $path -ErrorAction SilentlyContinue }
    if (Test-Path $place) { throw "$place is running. Close the programs that use it, then run this script again." }
    foreach ($left in '*.old', '.ensign-*') { Get-ChildItem -Force $bin -Filter $left | Remove-Item -Recurse -Force -ErrorAction SilentlyContinue }
    $texts = "$Prefix\lib\ensign\installed-texts" # written by `ensign update`, as names below share
    if (Test-Path $texts) {
        Get-Content $texts | Where-Object { $_ -notlike '*..*' } | ForEach-Object { Remove-Item -Force "$Prefix\share\$_" -ErrorAction SilentlyContinue }
        Get-ChildItem -Recurse -Directory "$Prefix\share" | Sort-Object { $_.FullName.Length } -Descending | ForEach-Object { Remove-Empty $_.FullName }
    }
    Remove-Item -Recurse -Force "$Prefix\lib\ensign" -ErrorAction SilentlyContinue
    Edit-Path { param($folders) $folders | Where-Object { $_ -ne $bin } }
    Remove-Empty $bin "$Prefix\share" "$Prefix\lib" $Prefix
    Write-Host "Removed $place. Your accounts stay in $env:APPDATA\ensign and $env:LOCALAPPDATA\ensign."
}

function Remove-Empty {
    foreach ($folder in $args) { if ((Test-Path $folder) -and -not (Get-ChildItem -Force $folder)) { Remove-Item -Force $folder } }
}

Main
