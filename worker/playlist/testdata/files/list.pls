[playlist]
File1=x.mp3
Title1=Harbour Lights
NumberOfEntries=1
