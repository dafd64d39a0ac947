/** Programs and what runs as one, links, and images of disks: what large providers refuse. */
export const usualAttachmentTypes: readonly string[] = [
  ...['ade', 'adp', 'apk', 'appx', 'appxbundle', 'bat', 'cab', 'chm', 'cmd', 'com', 'cpl'],
  ...['diagcab', 'diagcfg', 'diagpkg', 'dll', 'dmg', 'exe', 'hta', 'img', 'ins', 'iso', 'isp'],
  ...['jar', 'jnlp', 'js', 'jse', 'lib', 'lnk', 'mde', 'mjs', 'msc', 'msi', 'msix', 'msixbundle'],
  ...['msp', 'mst', 'nsh', 'pif', 'ps1', 'scr', 'sct', 'shb', 'sys', 'url', 'vb', 'vbe', 'vbs'],
  ...['vhd', 'vhdx', 'vxd', 'wsc', 'wsf', 'wsh', 'xll'],
];
